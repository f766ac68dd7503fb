import { AlicloudAuthBackendRole } from "@cdktf/provider-vault/lib/alicloud-auth-backend-role";
import { AwsAuthBackendRole } from "@cdktf/provider-vault/lib/aws-auth-backend-role";
import { Policy } from "@cdktf/provider-vault/lib/policy";
import { Fn, Lazy, TerraformProvider, TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { IAccessRole } from "../access";
import { Duration } from "../duration";
import { ConfigError } from "../errors";
import { GatewayPartName, IGatewayPart } from "../platform";
import { ReadGrant, VaultStoreSettings, WriteGrant } from "../secret-store";
import { readPolicy } from "./read-policy";
import { writePolicy } from "./write-policy";

/** What {@link VaultReadGrant} allows, and where. */
export interface VaultReadGrantProps {
  readonly grant: ReadGrant;
  readonly settings: VaultStoreSettings;
  readonly tokenTtl: Duration;
  /** Relative to the provider's. */
  readonly namespace?: string;
  readonly provider?: TerraformProvider;
}

/**
 * Lets one reader read its secrets in Vault: a policy that names them, and a role that the reader logs in with.
 * Both have one name, the gateway's for its nodes; that of any other reader has the reader's id after it.
 */
export class VaultReadGrant extends Construct {
  /** Two of one place would overwrite each other. */
  public readonly place: string;

  private readonly name: string;
  private readonly policies: Policy[] = [];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: VaultReadGrantProps,
  ) {
    super(scope, id);
    const { grant, settings, tokenTtl, namespace, provider } = props;
    const { reader, names } = grant;
    const { address, auth } = settings;
    const name = isNodesRole(reader) ? auth.role : `${auth.role}-${reader.node.id.toLowerCase().replace(/[^a-z0-9_.-]+/g, "-")}`;
    this.name = name;
    this.place = [address, settings.namespace, name].join(" ");
    ConfigError.throwIfAny(this, this.samePlaceProblems(name));

    const common = { namespace, provider };
    this.policies.push(new Policy(this, "Policy", { ...common, name, policy: readPolicy(settings.mount, names) }));
    LOGIN_ROLES[auth.method](this, reader, {
      ...common,
      role: name,
      backend: auth.mount,
      tokenPolicies: Lazy.listValue({ produce: () => this.policies.map((policy) => policy.name) }),
      // Nothing of what "default" allows is needed: a node reads its secrets, and logs in anew when its token ends.
      tokenNoDefaultPolicy: true,
      tokenTtl: tokenTtl.toSeconds(),
      tokenMaxTtl: tokenTtl.toSeconds(),
    });
  }

  /** Lets the reader write too, by one more policy of its role. */
  public allowWriting({ below }: WriteGrant): void {
    const { settings, namespace, provider } = this.props;
    const policy = writePolicy(settings.mount, below);
    this.policies.push(new Policy(this, "WritePolicy", { namespace, provider, name: `${this.name}-write`, policy }));
  }

  private samePlaceProblems(name: string): string[] {
    const other = TerraformStack.of(this)
      .node.findAll()
      .find((node) => node instanceof VaultReadGrant && node !== this && node.place === this.place);
    if (other === undefined) return [];
    return [`role: ${JSON.stringify(name)} is in this Vault that of ${other.node.path} already; give one VaultAuth a \`role\` of its own`];
  }
}

/** By its part rather than by its class: a stack may have loaded the package twice. */
function isNodesRole(reader: IAccessRole): boolean {
  return (reader as Partial<IGatewayPart<GatewayPartName>>).part === "role";
}

/** What all kinds of login roles have. */
interface LoginRole {
  readonly role: string;
  readonly backend: string;
  readonly namespace?: string;
  readonly provider?: TerraformProvider;
  readonly tokenPolicies: string[];
  readonly tokenNoDefaultPolicy: boolean;
  readonly tokenTtl: number;
  readonly tokenMaxTtl: number;
}

type MakeLoginRole = (scope: Construct, reader: IAccessRole, role: LoginRole) => Construct;

/** The role that only the reader can log in with, by Vault's auth method. */
const LOGIN_ROLES: Readonly<Record<VaultStoreSettings["auth"]["method"], MakeLoginRole>> = {
  aws: (scope, reader, role) =>
    new AwsAuthBackendRole(scope, "Role", {
      ...role,
      authType: "iam",
      // Vault compares with the ARN of the caller's session, which has no path.
      boundIamPrincipalArns: [Fn.replace(reader.roleArn, "/:role/.+//", ":role/")],
      // By name: resolving asks IAM, for which Vault would need credentials in the account, and a role that is replaced
      // could not log in until this one is written again.
      resolveAwsUniqueIds: false,
    }),
  alicloud: (scope, reader, role) => new AlicloudAuthBackendRole(scope, "Role", { ...role, arn: reader.roleArn }),
};
