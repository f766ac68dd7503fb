import { Construct } from "constructs";
import { AccessStatement } from "../access";
import { LogStore, LogStoreSpec } from "../platform";
import { removalLifecycle } from "../removal";
import { AwsContext } from "./context";

/** A log group of CloudWatch. */
export class CloudwatchLogStore extends Construct implements LogStore {
  public readonly destination: string;
  public readonly settings: Readonly<Record<string, string>>;
  public readonly writeStatement: AccessStatement;

  constructor(scope: Construct, id: string, { resources, region, logKeyArn }: AwsContext, spec: LogStoreSpec) {
    super(scope, id);
    const name = `/cdktf-ai-gateway/${spec.name}`;
    const group = resources.make("logGroup", this, "Group", {
      name,
      retentionInDays: spec.retentionDays,
      kmsKeyId: logKeyArn,
      lifecycle: removalLifecycle(spec.removal),
      tags: resources.tags(name),
    });
    const { arn } = group;
    this.destination = group.name;
    this.settings = { kind: "cloudwatch", group: this.destination, region };
    this.writeStatement = {
      sid: "WriteRequestLog",
      actions: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
      // The second is the group's streams.
      resources: [arn, `${arn}:*`],
    };
  }
}
