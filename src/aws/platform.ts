import { Lazy, TerraformProvider } from "cdktf";
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
import { bedrockStatements } from "./bedrock";
import { AwsContext } from "./context";
import { ScheduledDriftCheck } from "./drift-check";
import { ApplicationLoadBalancer } from "./load-balancer";
import { CloudwatchLogStore } from "./log-store";
import { networkCidr } from "./network";
import { Ec2Nodes } from "./nodes";
import { S3ObjectStore } from "./object-store";
import { policyDocument } from "./policy";
import { partProblems, platformProblems } from "./problems";
import { bindProvider } from "./provider";
import { AwsTransform, ResourceFactory } from "./resource-factory";
import { AwsResources, MADE, resourcesOfPart } from "./resources";
import { Ec2Role } from "./role";
import { launchSettings } from "./scaling-nodes";
import { SecretsManagerStore } from "./secret-store";
import { SecretsManagerProps } from "./secrets-manager-props";

/** How {@link AwsPlatform} makes a gateway's resources. */
export interface AwsPlatformProps {
  /** The region, the same as the provider's, such as "eu-central-1". */
  readonly region: string;
  /**
   * An `AwsProvider` with an alias.
   * @default - the stack's `AwsProvider` without an alias
   */
  readonly provider?: TerraformProvider;
  /**
   * Tags of every resource that AWS tags, but for the bucket's objects, beside a `Name` of its own.
   * @default - no tags but `Name`
   */
  readonly tags?: Readonly<Record<string, string>>;
  /**
   * The account's id, 12 digits.
   * @default - looked up by Terraform: `data.aws_caller_identity`
   */
  readonly accountId?: string;
  /**
   * How the secrets are kept.
   * @default - recoverable for 30 days, in one region, open to whom IAM lets in
   */
  readonly secrets?: SecretsManagerProps;
  /**
   * The name of a bucket of this region that takes the access logs of the balancer and of the gateway's own bucket, below
   * `<gateway>/balancer/` and `<gateway>/bucket/`. It is encrypted by S3's own key, and its policy lets
   * `logdelivery.elasticloadbalancing.amazonaws.com` and `logging.s3.amazonaws.com` put objects.
   * @default - no access logs: nodes write a log of requests of their own
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
   */
  readonly accessLogsBucket?: string;
  /**
   * The ARN of a key of KMS that encrypts the request log; its policy lets `logs.<region>.amazonaws.com` use it.
   * @default - CloudWatch's own key
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
   */
  readonly logKeyArn?: string;
  /**
   * Changes to resources before they are created.
   * @default - none
   */
  readonly transform?: AwsTransform;
}

/**
 * AWS: EC2 instances behind an internal application load balancer, Secrets Manager, S3, CloudWatch Logs.
 *
 * With `removal: "retain"` Terraform refuses to destroy key, bucket and log group; `terraform state rm` leaves them behind.
 * @throws ConfigError when `region`, `accountId`, `accessLogsBucket`, `logKeyArn` or a tag is not one that AWS takes
 */
export class AwsPlatform implements GatewayPlatform {
  /**
   * The resources that an AwsPlatform made for a part of a gateway, such as `gateway.cluster`.
   * @throws Error when the part was given another platform
   */
  public static resourcesOf<Part extends GatewayPartName>(part: IGatewayPart<Part>): AwsResources[Part] {
    return resourcesOfPart(part);
  }

  public readonly cloud = "aws";
  public readonly region: string;
  public readonly secretStore: SecretStore;

  private readonly context: AwsContext;

  constructor(props: AwsPlatformProps) {
    ConfigError.throwIfAny("AwsPlatform", handedOverValueProblems("", props));
    ConfigError.throwIfAny("AwsPlatform", platformProblems(props));
    this.region = props.region;
    this.context = { ...props, resources: new ResourceFactory(props) };
    this.secretStore = new SecretsManagerStore(this.context, props.secrets ?? {});
  }

  public problems(check: PlatformCheck): string[] {
    return partProblems(check, this.region);
  }

  public bind(scope: IConstruct): void {
    bindProvider(scope, this.context);
    MADE.notePart(scope);
  }

  public networkCidr(scope: Construct, network: INetwork): string {
    return networkCidr(scope, this.context, network);
  }

  public role(scope: Construct, id: string, spec: RoleSpec): NodeRole {
    return new Ec2Role(scope, id, this.context, spec);
  }

  public allow(scope: Construct, id: string, spec: GrantedPolicySpec): void {
    const policy = Lazy.stringValue({ produce: () => policyDocument(spec.statements()) });
    this.context.resources.make("rolePolicy", scope, id, { role: spec.roleName, name: spec.name, policy });
  }

  public bedrockStatements(scope: Construct, models: readonly string[], region: string): AccessStatement[] {
    return bedrockStatements(scope, this.context, models, region);
  }

  public objectStore(scope: Construct, id: string, spec: ObjectStoreSpec): ObjectStore {
    return new S3ObjectStore(scope, id, this.context, spec);
  }

  public logStore(scope: Construct, id: string, spec: LogStoreSpec): LogStore {
    return new CloudwatchLogStore(scope, id, this.context, spec);
  }

  public loadBalancer(scope: Construct, id: string, spec: LoadBalancerSpec): LoadBalancer {
    return new ApplicationLoadBalancer(scope, id, this.context, spec);
  }

  public nodes(scope: Construct, id: string, spec: NodesSpec): void {
    new Ec2Nodes(scope, id, this.context, spec);
  }

  public launchSettings(name: string): Readonly<Record<string, string>> {
    return launchSettings(name);
  }

  public driftCheck(scope: Construct, id: string, spec: DriftCheckSpec): DriftTarget {
    return new ScheduledDriftCheck(scope, id, this.context, spec);
  }
}
