import { AlicloudApi } from "./alicloud-api";
import { AlicloudLogs, LogStorePlace } from "./alicloud-logs";
import { asked } from "./report-refusal";
import { allUses, NodeUse, sayingHolds, UseReport } from "./use-report";

/** Where the nodes of a gateway on Alibaba Cloud write, and of which groups they are. */
export interface AlicloudNodes {
  readonly log: LogStorePlace;
  /** Their names, one for each zone; none: a fleet of fixed size, of which is whoever wrote lately. */
  readonly scalingGroups: readonly string[];
  readonly refreshIntervalSeconds: number;
}

interface Group {
  readonly ScalingGroupId: string;
  readonly ScalingGroupName: string;
}

interface Member {
  readonly InstanceId: string;
  readonly LifecycleState: string;
}

/** Leaving and stopped nodes serve no new request, and read the secret again should they start. */
const SERVES_NOT = /^(Removing|Stopped)/;
const ESS_PAGE = 50;
/** So many instances can be named at once. */
const ECS_PAGE = 100;
/** The regions whose public endpoint of ESS is the central one. */
const CENTRAL = ["cn-qingdao", "cn-beijing", "cn-hangzhou", "cn-shanghai", "cn-nanjing", "cn-shenzhen"];
/** What the search of SLS takes as it is; any other name is looked for among all lines. */
const PLAIN_NAME = /^[\w/+=.@!-]+$/;

/**
 * The request log in the Simple Log Service, and the members of the scaling groups.
 *
 * `AIGW_SLS_ENDPOINT`, `AIGW_ESS_ENDPOINT` and `AIGW_ECS_ENDPOINT` name other endpoints, such as those inside the cloud.
 */
export class AlicloudUseReport implements UseReport {
  private readonly ess: AlicloudApi;
  private readonly ecs: AlicloudApi;

  constructor(private readonly nodes: AlicloudNodes) {
    const { region } = nodes.log;
    this.ess = new AlicloudApi({ version: "2014-08-28", endpoint: process.env.AIGW_ESS_ENDPOINT || essEndpoint(region) });
    this.ecs = new AlicloudApi({ version: "2014-05-26", endpoint: process.env.AIGW_ECS_ENDPOINT || `ecs.${region}.aliyuncs.com` });
  }

  public async uses(secret: string): Promise<readonly NodeUse[]> {
    return (await this.usesOfAll([secret])).get(secret)!;
  }

  public async usesOfAll(secrets: readonly string[]): Promise<ReadonlyMap<string, readonly NodeUse[]>> {
    return allUses(secrets, ...(await Promise.all([this.lines(secrets), this.members()])));
  }

  private async lines([secret, ...more]: readonly string[]): Promise<string[]> {
    const { log, refreshIntervalSeconds } = this.nodes;
    const narrower = secret !== undefined && more.length === 0 && PLAIN_NAME.test(secret) ? ` and secret: "${secret}"` : "";
    const since = new Date(Date.now() - sayingHolds(refreshIntervalSeconds));
    const lines = await asked(
      `the log store ${log.project}/${log.store}`,
      "log:GetLogStoreLogs",
      new AlicloudLogs(log).since(since, `event: "secret-in-use"${narrower}`),
    );
    return lines.map((line) => JSON.stringify(line));
  }

  /** The names of hosts, as the instances were given them. */
  private async members(): Promise<string[] | undefined> {
    const { scalingGroups } = this.nodes;
    if (scalingGroups.length === 0) return undefined;
    const what = `the scaling groups ${scalingGroups.join(", ")}`;
    const groups = await asked(what, "ess:DescribeScalingGroups", this.groups(scalingGroups));
    const members = await asked(what, "ess:DescribeScalingInstances", Promise.all(groups.map((group) => this.membersOf(group))));
    const ids = members
      .flat()
      .filter(({ LifecycleState: state }) => !SERVES_NOT.test(state))
      .map(({ InstanceId: id }) => id);
    return asked("the instances of the scaling groups", "ecs:DescribeInstances", this.hostNames(ids));
  }

  private async groups(names: readonly string[]): Promise<Group[]> {
    const reply = await this.ess.call<{ ScalingGroups: { ScalingGroup: Group[] } }>("DescribeScalingGroups", {
      RegionId: this.nodes.log.region,
      PageSize: String(ESS_PAGE),
      ...Object.fromEntries(names.map((name, index) => [`ScalingGroupName.${index + 1}`, name])),
    });
    const groups = reply.ScalingGroups.ScalingGroup;
    if (names.some((name) => !groups.some(({ ScalingGroupName: found }) => found === name)))
      throw Object.assign(new Error(), { name: "NoSuchGroup" });
    return groups;
  }

  private async membersOf({ ScalingGroupId }: Group): Promise<Member[]> {
    const members: Member[] = [];
    for (let page = 1, last = ESS_PAGE; last === ESS_PAGE; page += 1) {
      const reply = await this.ess.call<{ ScalingInstances: { ScalingInstance: Member[] } }>("DescribeScalingInstances", {
        RegionId: this.nodes.log.region,
        ScalingGroupId,
        PageNumber: String(page),
        PageSize: String(ESS_PAGE),
      });
      members.push(...reply.ScalingInstances.ScalingInstance);
      last = reply.ScalingInstances.ScalingInstance.length;
    }
    return members;
  }

  private async hostNames(ids: readonly string[]): Promise<string[]> {
    const pages = Array.from({ length: Math.ceil(ids.length / ECS_PAGE) }, (_, page) => ids.slice(page * ECS_PAGE, (page + 1) * ECS_PAGE));
    const replies = await Promise.all(
      pages.map((some) =>
        this.ecs.call<{ Instances: { Instance: { readonly InstanceId: string; readonly HostName?: string }[] } }>("DescribeInstances", {
          RegionId: this.nodes.log.region,
          InstanceIds: JSON.stringify(some),
          PageSize: String(ECS_PAGE),
        }),
      ),
    );
    const hosts = new Map(replies.flatMap(({ Instances }) => Instances.Instance.map(({ InstanceId, HostName }) => [InstanceId, HostName])));
    // One that ECS does not know any more is still waited for, as long as the group has it.
    return ids.map((id) => hosts.get(id) || id);
  }
}

/** @see https://www.alibabacloud.com/help/en/auto-scaling/developer-reference/api-ess-2014-08-28-endpoint */
function essEndpoint(region: string): string {
  return CENTRAL.includes(region) ? "ess.aliyuncs.com" : `ess.${region}.aliyuncs.com`;
}
