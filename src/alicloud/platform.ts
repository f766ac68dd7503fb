import { Lazy } from "cdktf";
import { Construct, IConstruct } from "constructs";
import { AccessStatement } from "../access";
import { ConfigError } from "../errors";
import { handedOverValueProblems } from "../handed-over-values";
import { INetwork } from "../network";
import {
  DriftCheckSpec,
  DriftTarget,
  GatewayPartName,
  GatewayPlatform,
  GrantedPolicySpec,
  IGatewayPart,
  LoadBalancer,
  LoadBalancerSpec,
  LogStore,
  LogStoreSpec,
  NodeRole,
  NodesSpec,
  ObjectStore,
  ObjectStoreSpec,
  PlatformCheck,
  RoleSpec,
} from "../platform";
import { SecretStore } from "../secret-store";
import { vpcRange } from "./address-ranges";
import { AlicloudProvider } from "./bindings/providers/alicloud/provider";
import { AlicloudContext } from "./context";
import { AlicloudDriftCheck } from "./drift-check";
import { KmsSecretsProps } from "./kms-secrets-props";
import { AlbLoadBalancer } from "./load-balancer";
import { SlsLogStore } from "./log-store";
import { EcsNodes } from "./nodes";
import { OssObjectStore } from "./object-store";
import { platformProblems, propProblems } from "./prop-problems";
import { checkProvider } from "./provider";
import { AlicloudTransform, ResourceFactory } from "./resource-factory";
import { AlicloudResources, MADE, resourcesOfPart } from "./resources";
import { EcsRole, policyDocument, rolePolicy } from "./role";
import { KmsSecretStore } from "./secret-store";

/** Where on Alibaba Cloud a gateway runs. */
export interface AlicloudPlatformProps {
  /**
   * The region, the same as the provider's.
   * @example "cn-shanghai"
   */
  readonly region: string;

  /**
   * The provider to use where the stack has several.
   * @default - the stack's provider that has no alias
   */
  readonly provider?: AlicloudProvider;

  /**
   * The account's id; give it where the account must not be read at plan time.
   * @default - looked up by Terraform, once a stack
   */
  readonly accountId?: string;

  /**
   * An existing instance of KMS 3.0, such as "kst-szz65f…", that the secrets' key is made in. Accounts that never had the
   * shared KMS need one for secrets of their own, and make the secrets in the same instance.
   * @default - none: the account's shared KMS
   */
  readonly kmsInstanceId?: string;

  /**
   * How the secrets are kept.
   * @default - known by name only
   */
  readonly secrets?: KmsSecretsProps;

  /**
   * Tags for every resource that has tags.
   * @default - none
   */
  readonly tags?: Readonly<Record<string, string>>;

  /**
   * Changes to resources before they are created.
   * @default - none
   */
  readonly transform?: AlicloudTransform;
}

/**
 * Runs a gateway on Alibaba Cloud: ECS nodes behind an internal ALB, secrets in KMS, the bundle in OSS, the request log in SLS.
 *
 * The stack needs an {@link AlicloudProvider}. With `accountId`, the `cidr` of the network and of its subnets, and an
 * `imageId`, nothing of the account is read at plan time.
 *
 * Without an `imageId` nodes have the image of Ubuntu 24.04, for x86 or ARM as their instance type asks, that was the newest
 * when their launch template was made: one that is published later replaces no node by itself.
 */
export class AlicloudPlatform implements GatewayPlatform {
  public readonly cloud = "alicloud";
  public readonly region: string;
  public readonly secretStore: SecretStore;
  private readonly context: AlicloudContext;

  /** @throws ConfigError when the region, the account, the KMS instance or a tag is wrong */
  constructor(props: AlicloudPlatformProps) {
    ConfigError.throwIfAny("AlicloudPlatform", handedOverValueProblems("", props));
    ConfigError.throwIfAny("AlicloudPlatform", platformProblems(props));
    this.region = props.region;
    this.context = {
      region: props.region,
      provider: props.provider,
      accountId: props.accountId,
      kmsInstanceId: props.kmsInstanceId,
      resources: new ResourceFactory(props),
    };
    this.secretStore = new KmsSecretStore(this.context, props.secrets ?? {});
  }

  /**
   * The resources of a gateway's part, typed.
   * @example AlicloudPlatform.resourcesOf(gateway.cluster).loadBalancer.addOverride("bandwidth_package_id", "cbwp-…")
   * @throws Error for a part that another platform made
   */
  public static resourcesOf<Part extends GatewayPartName>(part: IGatewayPart<Part>): AlicloudResources[Part] {
    return resourcesOfPart(part);
  }

  public problems(check: PlatformCheck): string[] {
    return propProblems(check);
  }

  public bind(scope: IConstruct): void {
    checkProvider(scope, this.context);
    MADE.notePart(scope);
  }

  public networkCidr(scope: Construct, network: INetwork): string {
    return vpcRange(scope, this.context, network);
  }

  public role(scope: Construct, id: string, spec: RoleSpec): NodeRole {
    return new EcsRole(scope, id, this.context, spec);
  }

  public allow(scope: Construct, id: string, spec: GrantedPolicySpec): void {
    rolePolicy(scope, this.context, id, {
      roleName: spec.roleName,
      name: spec.name,
      description: `What ${spec.roleName} may do with an LLM gateway`,
      policyDocument: Lazy.stringValue({ produce: () => policyDocument(spec.statements()) }),
    });
  }

  /** @throws ConfigError always */
  public bedrockStatements(scope: Construct, models: readonly string[]): AccessStatement[] {
    throw new ConfigError(scope.node.path, [
      `providers.bedrock: a role of Alibaba Cloud can not call Amazon Bedrock (${models.join(", ")}); bedrock needs nodes on AWS, by AwsPlatform`,
    ]);
  }

  public objectStore(scope: Construct, id: string, spec: ObjectStoreSpec): ObjectStore {
    return new OssObjectStore(scope, id, this.context, spec);
  }

  public logStore(scope: Construct, id: string, spec: LogStoreSpec): LogStore {
    return new SlsLogStore(scope, id, this.context, spec);
  }

  public loadBalancer(scope: Construct, id: string, spec: LoadBalancerSpec): LoadBalancer {
    return new AlbLoadBalancer(scope, id, this.context, spec);
  }

  public nodes(scope: Construct, id: string, spec: NodesSpec): void {
    new EcsNodes(scope, id, this.context, spec);
  }

  /** A node finds its group and what waits by its own id. */
  public launchSettings(): Readonly<Record<string, string>> {
    return { kind: "ess" };
  }

  public driftCheck(scope: Construct, id: string, spec: DriftCheckSpec): DriftTarget {
    return new AlicloudDriftCheck(scope, id, this.context, spec);
  }
}
