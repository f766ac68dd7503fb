import { AutoScalingClient, paginateDescribeAutoScalingGroups } from "@aws-sdk/client-auto-scaling";
import { CloudWatchLogsClient, paginateFilterLogEvents } from "@aws-sdk/client-cloudwatch-logs";
import { EC2Client, paginateDescribeInstances } from "@aws-sdk/client-ec2";
import { awsClientConfig } from "./aws-client-config";
import { asked } from "./report-refusal";
import { allUses, NodeUse, sayingHolds, UseReport } from "./use-report";

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
    return (await this.usesOfAll([secret])).get(secret)!;
  }

  public async usesOfAll(secrets: readonly string[]): Promise<ReadonlyMap<string, readonly NodeUse[]>> {
    const { logGroup, scalingGroup } = this.nodes;
    const permission = "autoscaling:DescribeAutoScalingGroups and ec2:DescribeInstances";
    const [lines, members] = await Promise.all([
      asked(`the log group ${logGroup}`, "logs:FilterLogEvents", this.lines()),
      scalingGroup === undefined ? undefined : asked(`the scaling group ${scalingGroup}`, permission, this.members(scalingGroup)),
    ]);
    return allUses(secrets, lines, members, hostOf);
  }

  private async lines(): Promise<string[]> {
    const { region, logGroup, refreshIntervalSeconds } = this.nodes;
    const lines: string[] = [];
    const pages = paginateFilterLogEvents(
      { client: new CloudWatchLogsClient(awsClientConfig(region)) },
      { logGroupName: logGroup, filterPattern: '"secret-in-use"', startTime: Date.now() - sayingHolds(refreshIntervalSeconds) },
    );
    for await (const { events = [] } of pages) lines.push(...events.map(({ message = "" }) => message));
    return lines;
  }

  /** The names of hosts. */
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
      names.push(...instances.map(({ PrivateDnsName, InstanceId }) => hostOf(PrivateDnsName ?? "") || InstanceId!));
    }
    return names;
  }
}

/** The first part of an instance's private name. Amazon Linux gives a host all of it as its name, Ubuntu that part. */
function hostOf(name: string): string {
  return name.split(".")[0]!;
}
