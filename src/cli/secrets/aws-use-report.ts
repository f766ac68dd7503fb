import { AutoScalingClient, paginateDescribeAutoScalingGroups } from "@aws-sdk/client-auto-scaling";
import { CloudWatchLogsClient, paginateFilterLogEvents } from "@aws-sdk/client-cloudwatch-logs";
import { EC2Client, paginateDescribeInstances } from "@aws-sdk/client-ec2";
import { awsClientConfig } from "./aws-client-config";
import { CommandError } from "./command-error";
import { failureCode } from "./store-error";
import { NodeUse, nodeUses, sayingHolds, useLine, UseLine, UseReport } from "./use-report";

/** Where the nodes of a gateway on AWS write, and of which group they are. */
export interface AwsNodes {
  readonly region: string;
  readonly logGroup: string;
  /** @default - a fleet of fixed size: whoever wrote lately */
  readonly scalingGroup?: string;
  readonly refreshIntervalSeconds: number;
}

/** Leaving nodes serve no new request. */
const LEAVING = /^(Terminat|Detach)/;

/** The request log in CloudWatch Logs, and the members of the Auto Scaling group. */
export class AwsUseReport implements UseReport {
  constructor(private readonly nodes: AwsNodes) {}

  public async uses(secret: string): Promise<readonly NodeUse[]> {
    const { logGroup, scalingGroup } = this.nodes;
    const [lines, members] = await Promise.all([
      named(`the log group ${logGroup}`, this.lines(secret)),
      scalingGroup === undefined ? undefined : named(`the scaling group ${scalingGroup}`, this.members(scalingGroup)),
    ]);
    return nodeUses(lines, members);
  }

  private async lines(secret: string): Promise<UseLine[]> {
    const { region, logGroup, refreshIntervalSeconds } = this.nodes;
    const lines: UseLine[] = [];
    const pages = paginateFilterLogEvents(
      { client: new CloudWatchLogsClient(awsClientConfig(region)) },
      { logGroupName: logGroup, filterPattern: '"secret-in-use"', startTime: Date.now() - sayingHolds(refreshIntervalSeconds) },
    );
    for await (const { events = [] } of pages) lines.push(...events.flatMap(({ message = "" }) => useLine(message, secret)));
    return lines;
  }

  /** The names of hosts, which on AWS are the first part of the private names. */
  private async members(group: string): Promise<string[]> {
    const { region } = this.nodes;
    const ids: string[] = [];
    let found = false;
    const groups = paginateDescribeAutoScalingGroups(
      { client: new AutoScalingClient(awsClientConfig(region)) },
      { AutoScalingGroupNames: [group] },
    );
    for await (const { AutoScalingGroups = [] } of groups) {
      found ||= AutoScalingGroups.length > 0;
      for (const { Instances = [] } of AutoScalingGroups) {
        ids.push(...Instances.filter(({ LifecycleState = "" }) => !LEAVING.test(LifecycleState)).map(({ InstanceId }) => InstanceId!));
      }
    }
    if (!found) throw Object.assign(new Error(), { name: "NoSuchGroup" });
    if (ids.length === 0) return [];
    const names: string[] = [];
    for await (const { Reservations = [] } of paginateDescribeInstances(
      { client: new EC2Client(awsClientConfig(region)) },
      { InstanceIds: ids },
    )) {
      const instances = Reservations.flatMap(({ Instances = [] }) => Instances);
      names.push(...instances.map(({ PrivateDnsName, InstanceId }) => PrivateDnsName?.split(".")[0] || InstanceId!));
    }
    return names;
  }
}

async function named<T>(what: string, reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    throw new CommandError(`which nodes use it can not be told: ${what} answered ${failureCode(error)}`);
  }
}
