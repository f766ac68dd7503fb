import { SecretStoreSettings } from "../../secret-store";
import { CommandError, NodesUnknown } from "../command-error";
import type { AlicloudNodes } from "./alicloud-use-report";
import type { AwsNodes } from "./aws-use-report";
import { NodesSettings, ONLY_TERRAFORM_KNOWS } from "./synthesized-stack";
import { UseReport } from "./use-report";

/** Where the nodes of a gateway write, where the synthesized stack does not say so. */
export interface ReportChoice {
  /** On AWS. */
  readonly logGroup?: string;
  /** On Alibaba Cloud. */
  readonly logProject?: string;
  readonly logStore?: string;
  readonly scalingGroup?: readonly string[];
}

type Stores = Readonly<Record<string, SecretStoreSettings>>;
/** What of the nodes is known, if they are on this cloud. */
type Known = Partial<NodesSettings>;

const REFRESH_SECONDS = 900;

/** The report of a gateway's nodes; its cloud's SDK is loaded only now. */
export async function openUseReport(stores: Stores, nodes: NodesSettings | undefined, choice: ReportChoice): Promise<UseReport> {
  const { onAws, onAlicloud } = reportedNodes(stores, nodes, choice);
  if (onAlicloud !== undefined) {
    const { AlicloudUseReport } = await import("./alicloud-use-report.js");
    return new AlicloudUseReport(onAlicloud);
  }
  const { AwsUseReport } = await import("./aws-use-report.js");
  return new AwsUseReport(onAws);
}

/** Where the nodes are: on one of the two. */
export type ReportedNodes =
  { readonly onAws: AwsNodes; readonly onAlicloud?: undefined } | { readonly onAws?: undefined; readonly onAlicloud: AlicloudNodes };

/**
 * Where the nodes of a gateway write. It is asked for in the cloud of the nodes, wherever a secret lies.
 * @param stores all of the gateway, whose regions are the nodes' where nothing else says so
 * @throws NodesUnknown where nothing names their log, else CommandError saying what is missing
 */
export function reportedNodes(stores: Stores, nodes: NodesSettings | undefined, choice: ReportChoice): ReportedNodes {
  const kind = logKind(nodes, choice);
  if (kind === undefined) throw new NodesUnknown(WHERE);
  const known = nodes?.log.kind === kind ? nodes : {};
  return kind === "sls" ? { onAlicloud: alicloudNodes(stores, known, choice) } : { onAws: awsNodes(stores, known, choice) };
}

function logKind(nodes: NodesSettings | undefined, { logGroup, logProject }: ReportChoice): string | undefined {
  if (logProject !== undefined) return "sls";
  return logGroup === undefined ? nodes?.log.kind : "cloudwatch";
}

function awsNodes(stores: Stores, known: Known, choice: ReportChoice): AwsNodes {
  return {
    region: certain("AWS_REGION", known.log?.region ?? regionOf(stores, "aws-secrets-manager") ?? process.env.AWS_REGION),
    logGroup: certain("--log-group", choice.logGroup ?? known.log?.group),
    scalingGroup: scalingGroups(known, choice)[0],
    refreshIntervalSeconds: known.refreshIntervalSeconds ?? REFRESH_SECONDS,
  };
}

function alicloudNodes(stores: Stores, known: Known, choice: ReportChoice): AlicloudNodes {
  const { ALIBABA_CLOUD_REGION, ALICLOUD_REGION } = process.env;
  const region = known.log?.region ?? regionOf(stores, "alicloud-kms") ?? (ALIBABA_CLOUD_REGION || ALICLOUD_REGION);
  return {
    log: {
      project: certain("--log-project", choice.logProject ?? known.log?.project),
      store: certain("--log-store", choice.logStore ?? known.log?.store),
      region: certain("ALIBABA_CLOUD_REGION", region),
    },
    scalingGroups: scalingGroups(known, choice),
    refreshIntervalSeconds: known.refreshIntervalSeconds ?? REFRESH_SECONDS,
  };
}

function regionOf(stores: Stores, kind: SecretStoreSettings["kind"]): string | undefined {
  const regions = Object.values(stores).map((store) => (store.kind === kind && "region" in store ? store.region : undefined));
  return regions.find((region) => region !== undefined);
}

function scalingGroups(known: Known, choice: ReportChoice): readonly string[] {
  return (choice.scalingGroup ?? known.scalingGroups ?? []).map((group) => certain("--scaling-group", group));
}

/** @param name what would say it */
function certain(name: string, value: string | undefined): string {
  if (!value || value.includes(ONLY_TERRAFORM_KNOWS)) throw new CommandError(`${WHERE}; ${name} is not known`);
  return value;
}

const WHERE =
  "which nodes use it is not known: give the synthesized stack with --output and --stack, or the nodes' log with --log-group (AWS) " +
  "or --log-project and --log-store (Alibaba Cloud) and their groups with --scaling-group, or --force";
