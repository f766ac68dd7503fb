import { AlicloudAccount } from "./alicloud-account";
import { Answer, Asked, Double, Refused } from "./server";

type Given = Readonly<Record<string, string | undefined>>;

interface Group {
  readonly id: string;
  readonly name: string;
}

interface Instance {
  readonly id: string;
  readonly group: Group;
  readonly state: string;
  readonly hostName: string;
}

const VERSIONS = { ess: "2014-08-28", ecs: "2014-05-26" } as const;
const LONGEST_ESS_PAGE = 50;
const LONGEST_ECS_PAGE = 100;

/**
 * Scaling groups (ESS) and their instances (ECS), as far as it is asked who is in a group. Refuses what is not signed, another
 * region, an unknown group, longer pages than there are; answers 10 at a time unless it is asked for more, as both do.
 * @see https://www.alibabacloud.com/help/en/auto-scaling/developer-reference/api-ess-2014-08-28-describescalinginstances
 */
export class FleetDouble extends Double {
  public readonly groups: Group[] = [];
  public readonly instances: Instance[] = [];
  /** Actions that the caller's policy does not allow. */
  public readonly denied = new Set<string>();

  constructor(
    private readonly account: AlicloudAccount,
    private readonly region: string,
  ) {
    super();
  }

  /** Adds a group with so many instances in service; answers their hosts' names. */
  public addGroup(name: string, size: number): string[] {
    const group = { id: `asg-${this.groups.length}`, name };
    this.groups.push(group);
    return Array.from({ length: size }, () => this.addInstance(name, "InService"));
  }

  /** Answers the host's name, which is not the instance's id. */
  public addInstance(groupName: string, state: string): string {
    const number = String(this.instances.length).padStart(4, "0");
    const hostName = `iZuf6${number}Z`;
    this.instances.push({ id: `i-uf6${number}`, group: this.groups.find(({ name }) => name === groupName)!, state, hostName });
    return hostName;
  }

  protected answer(asked: Asked): Answer {
    try {
      this.account.checkAcs3(asked);
      return { status: 200, body: JSON.stringify({ RequestId: "r-1", ...this.act(asked) }) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { status, code } = error;
      return { status, body: JSON.stringify({ Code: code, Message: code, RequestId: "r-1" }) };
    }
  }

  private act({ headers, url }: Asked): object {
    const action = String(headers["x-acs-action"]);
    const actions: Readonly<Record<string, readonly [string, (given: Given) => object]>> = {
      DescribeScalingGroups: [VERSIONS.ess, (given) => this.describeGroups(given)],
      DescribeScalingInstances: [VERSIONS.ess, (given) => this.describeMembers(given)],
      DescribeInstances: [VERSIONS.ecs, (given) => this.describeInstances(given)],
    };
    const [version, run] = actions[action] ?? [];
    if (run === undefined || headers["x-acs-version"] !== version) throw new Refused(404, "InvalidAction.NotFound");
    if (this.denied.has(action)) throw new Refused(403, "Forbidden.RAM");
    const given = Object.fromEntries(url.searchParams);
    if (given.RegionId !== this.region) throw new Refused(404, "InvalidRegionId.NotFound");
    return run(given);
  }

  /** A name that is no group's is left out. */
  private describeGroups(given: Given): object {
    const names = Object.entries(given).flatMap(([name, value]) => (/^ScalingGroupName\.\d+$/.test(name) ? [value] : []));
    if (names.length > 20) throw new Refused(400, "InvalidParameter");
    const found = this.groups.filter(({ name }) => names.length === 0 || names.includes(name));
    const shown = paged(found, given, LONGEST_ESS_PAGE).map(({ id, name }) => ({ ScalingGroupId: id, ScalingGroupName: name }));
    return { TotalCount: found.length, ScalingGroups: { ScalingGroup: shown } };
  }

  private describeMembers(given: Given): object {
    if (!this.groups.some(({ id }) => id === given.ScalingGroupId)) throw new Refused(404, "InvalidScalingGroupId.NotFound");
    const found = this.instances.filter(({ group }) => group.id === given.ScalingGroupId);
    const shown = paged(found, given, LONGEST_ESS_PAGE).map(({ id, state }) => ({ InstanceId: id, LifecycleState: state }));
    return { TotalCount: found.length, ScalingInstances: { ScalingInstance: shown } };
  }

  private describeInstances(given: Given): object {
    const ids = JSON.parse(given.InstanceIds ?? "null") as unknown;
    if (!Array.isArray(ids) || ids.length > LONGEST_ECS_PAGE) throw new Refused(400, "InvalidInstanceIds.Malformed");
    const found = this.instances.filter(({ id }) => ids.includes(id));
    const shown = paged(found, given, LONGEST_ECS_PAGE).map(({ id, hostName }) => ({ InstanceId: id, HostName: hostName }));
    return { TotalCount: found.length, Instances: { Instance: shown } };
  }
}

function paged<T>(all: readonly T[], { PageNumber: page = "1", PageSize: size = "10" }: Given, longest: number): readonly T[] {
  if (!(Number(size) >= 1 && Number(size) <= longest && Number(page) >= 1)) throw new Refused(400, "InvalidParameter");
  return all.slice((Number(page) - 1) * Number(size), Number(page) * Number(size));
}
