import { AlicloudAccount } from "./alicloud-account";
import { Answer, Asked, Double, Refused } from "./server";

/** A role of RAM, as a test says it is. */
export interface RamRole {
  readonly arn: string;
  readonly trust: object;
  /** Texts of policies, by name. */
  readonly policies: Readonly<Record<string, string>>;
}

/**
 * The roles of Alibaba Cloud RAM, read only, with signatures checked.
 * @see https://www.alibabacloud.com/help/en/ram/developer-reference/api-ram-2015-05-01-getpolicy
 */
export class RamDouble extends Double {
  public readonly roles = new Map<string, RamRole>();
  /** Actions that the caller's policy does not allow. */
  public readonly denied = new Set<string>();

  constructor(private readonly account: AlicloudAccount) {
    super();
  }

  protected answer(asked: Asked): Answer {
    try {
      this.account.checkAcs3(asked);
      return { status: 200, body: JSON.stringify({ RequestId: "r-1", ...this.act(asked) }) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { status: error.status, body: JSON.stringify({ Code: error.code, Message: error.code, RequestId: "r-1" }) };
    }
  }

  private act({ headers, url }: Asked): object {
    const action = String(headers["x-acs-action"]);
    if (headers["x-acs-version"] !== "2015-05-01") throw new Refused(404, "InvalidVersion");
    if (this.denied.has(action)) throw new Refused(403, "NoPermission");
    const given = (name: string): string => url.searchParams.get(name) ?? "";
    if (action === "GetRole") {
      const { arn, trust } = this.role(given("RoleName"));
      return { Role: { RoleName: given("RoleName"), Arn: arn, AssumeRolePolicyDocument: JSON.stringify(trust) } };
    }
    if (action === "ListPoliciesForRole") {
      const names = Object.keys(this.role(given("RoleName")).policies);
      return { Policies: { Policy: names.map((PolicyName) => ({ PolicyName, PolicyType: "Custom", DefaultVersion: "v3" })) } };
    }
    if (action !== "GetPolicy") throw new Refused(404, "InvalidAction.NotFound");
    const texts = [...this.roles.values()].map(({ policies }) => policies[given("PolicyName")]);
    const text = texts.find((one) => one !== undefined);
    if (text === undefined || given("PolicyType") !== "Custom") throw new Refused(404, "EntityNotExist.Policy");
    return { DefaultPolicyVersion: { VersionId: "v3", IsDefaultVersion: true, PolicyDocument: text } };
  }

  private role(name: string): RamRole {
    const role = this.roles.get(name);
    if (role === undefined) throw new Refused(404, "EntityNotExist.Role");
    return role;
  }
}
