import { SecretStoreSettings } from "../../secret-store";
import { CommandError } from "./command-error";
import { NodesSettings, ONLY_TERRAFORM_KNOWS } from "./synthesized-stack";
import { UseReport } from "./use-report";

/** Where the nodes of a gateway write, where the synthesized stack does not say so. */
export interface ReportChoice {
  readonly logGroup?: string;
  readonly scalingGroup?: string;
}

const REFRESH_SECONDS = 900;

/** The report of a gateway's nodes; its cloud's SDK is loaded only now. */
export async function openUseReport(
  store: SecretStoreSettings,
  nodes: NodesSettings | undefined,
  choice: ReportChoice,
): Promise<UseReport> {
  if (nodes?.log.kind === "sls" || store.kind === "alicloud-kms") throw new CommandError(NOT_ON_ALICLOUD);
  const logGroup = choice.logGroup ?? nodes?.log.group;
  const region = nodes?.log.region ?? (store.kind === "vault" ? process.env.AWS_REGION : store.region);
  if (logGroup === undefined || logGroup === ONLY_TERRAFORM_KNOWS || !region) throw new CommandError(WHERE);
  const { AwsUseReport } = await import("./aws-use-report.js");
  return new AwsUseReport({
    region,
    logGroup,
    scalingGroup: choice.scalingGroup ?? (nodes?.launch?.group as string | undefined),
    refreshIntervalSeconds: nodes?.refreshIntervalSeconds ?? REFRESH_SECONDS,
  });
}

const WHERE =
  "which nodes use it is not known: give the nodes' log with --log-group (and --scaling-group), or the synthesized stack with --output and --stack, or --force";

const NOT_ON_ALICLOUD =
  "this command can not yet ask the Simple Log Service which nodes use it: search the log store for `event: secret-in-use` and this secret's name, " +
  "hold secret_version against `secrets status` for every node, then use --force";
