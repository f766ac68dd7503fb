import { Construct } from "constructs";
import { AccessStatement } from "../access";
import { LogStore, LogStoreSpec } from "../platform";
import { removalLifecycle } from "../removal";
import { accountIdOf } from "./account";
import { AlicloudContext, arn } from "./context";

/** A project of the Simple Log Service with one encrypted store, searchable by the request log's fields. */
export class SlsLogStore extends Construct implements LogStore {
  public readonly destination: string;
  public readonly settings: Readonly<Record<string, string>>;
  public readonly writeStatement: AccessStatement;

  constructor(scope: Construct, id: string, context: AlicloudContext, spec: LogStoreSpec) {
    super(scope, id);
    const { resources, region } = context;
    const lifecycle = removalLifecycle(spec.removal);
    const project = resources.make("logProject", this, "Project", {
      // Names of projects are unique in a region over all accounts.
      projectName: `${spec.name}-${accountIdOf(this, context)}`,
      description: `The request log of the gateway ${spec.name}`,
      lifecycle,
    }).projectName;
    const store = resources.make("logStore", this, "Store", {
      projectName: project,
      logstoreName: "gateway-requests",
      retentionPeriod: spec.retentionDays,
      shardCount: 2,
      autoSplit: true,
      maxSplitShardCount: 16,
      encryptConf: { enable: true, encryptType: "default" },
      lifecycle,
    }).logstoreName;
    resources.make("logIndex", this, "Index", {
      project,
      logstore: store,
      // Of a text, 2 KB are analysed by default: the labels of an agent may be longer.
      maxTextLen: 16_384,
      fieldSearch: [
        ...TEXT_FIELDS.map((name) => ({ name, type: "text", enableAnalytics: true, token: TEXT_TOKENS })),
        ...WHOLE_FIELDS.map((name) => ({ name, type: "long", enableAnalytics: true })),
        ...DECIMAL_FIELDS.map((name) => ({ name, type: "double", enableAnalytics: true })),
      ],
    });

    this.destination = `${project}/${store}`;
    this.settings = { kind: "sls", project, store, region, endpoint: `${region}-intranet.log.aliyuncs.com` };
    this.writeStatement = {
      sid: "WriteRequestLog",
      actions: ["log:PostLogStoreLogs"],
      resources: [arn(context, this, "log", `project/${project}/logstore/${store}`)],
    };
  }
}

/** Fields of docs/request-log.schema.json. */
const TEXT_FIELDS = ["event", "agent", "group", "labels", "model", "provider", "request_id", "error", "node", "secret", "secret_version"];
const WHOLE_FIELDS = ["process", "status", "prompt_tokens", "completion_tokens", "total_tokens", "latency_ms"];
const DECIMAL_FIELDS = ["cost"];

/** What parts the words of a text: names of models and agents hold hyphens and dots, and are searched as a whole. */
const TEXT_TOKENS = ", '\";=()[]{}?@&<>:\n\t\r";
