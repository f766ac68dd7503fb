import { jsonAws, MOTO_ACCOUNT, queryAws, restAws, type Signer } from "./aws-request";

/** A network to put a gateway in. */
export interface MotoNetwork {
  readonly vpcId: string;
  readonly subnets: readonly { readonly id: string; readonly zone: string }[];
}

// Every service that the constructs use; one that is missing here would be called at AWS.
const SERVICES = [
  "acm",
  "autoscaling",
  "cloudwatch",
  "codebuild",
  "dynamodb",
  "ec2",
  "elbv2",
  "events",
  "iam",
  "kms",
  "lambda",
  "logs",
  "route53",
  "s3",
  "scheduler",
  "secretsmanager",
  "sns",
  "sqs",
  "ssm",
  "sts",
] as const;

/** A running moto server: AWS as far as the tests need it, for the real AWS provider to talk to. */
export class MotoCloud {
  public readonly account = MOTO_ACCOUNT;

  constructor(
    /** Where the server listens. */
    public readonly endpoint: string,
    /** The region that {@link prepareNetwork} and {@link prepareCertificate} work in. */
    public readonly region: string,
    private readonly end: () => Promise<void>,
  ) {}

  /** The content of the AWS provider block that talks to this server. */
  public get providerConfig() {
    return {
      region: this.region,
      access_key: "test",
      secret_key: "test",
      skip_credentials_validation: true,
      skip_metadata_api_check: "true",
      s3_use_path_style: true,
      // A fault of moto's shows at once; the default of 25 hides it for minutes.
      max_retries: 2,
      endpoints: [Object.fromEntries(SERVICES.map((service) => [service, this.endpoint]))],
    };
  }

  /** Creates a VPC with two private subnets in two zones. */
  public async prepareNetwork(): Promise<MotoNetwork> {
    const vpcId = idIn(await this.ec2("CreateVpc", { CidrBlock: "10.0.0.0/16" }), "vpcId");
    const subnets = ["a", "b"].map(async (letter, index) => {
      const zone = `${this.region}${letter}`;
      const wanted = { VpcId: vpcId, CidrBlock: `10.0.${index}.0/24`, AvailabilityZone: zone };
      return { id: idIn(await this.ec2("CreateSubnet", wanted), "subnetId"), zone };
    });
    return { vpcId, subnets: await Promise.all(subnets) };
  }

  /** Issues a certificate for a domain; answers its ARN. */
  public async prepareCertificate(domain: string): Promise<string> {
    const answer = await jsonAws(this.signer("acm"), "CertificateManager.RequestCertificate", { DomainName: domain });
    return (answer as { CertificateArn: string }).CertificateArn;
  }

  /** Creates a bucket that takes the access logs of balancers and of other buckets. */
  public async prepareAccessLogs(bucket: string): Promise<void> {
    const location = `<CreateBucketConfiguration><LocationConstraint>${this.region}</LocationConstraint></CreateBucketConfiguration>`;
    await restAws(this.signer("s3"), "PUT", `/${bucket}`, location);
    const Statement = ["logging.s3.amazonaws.com", "logdelivery.elasticloadbalancing.amazonaws.com"].map((Service) => ({
      Effect: "Allow",
      Principal: { Service },
      Action: "s3:PutObject",
      Resource: `arn:aws:s3:::${bucket}/*`,
    }));
    await restAws(this.signer("s3"), "PUT", `/${bucket}?policy`, JSON.stringify({ Version: "2012-10-17", Statement }));
  }

  /** What a request to a service of this cloud needs, for what a test asks beside Terraform. */
  public signer(service: string): Signer {
    return { endpoint: this.endpoint, service, region: this.region };
  }

  /** Forgets every resource. */
  public async reset(): Promise<void> {
    const response = await fetch(`${this.endpoint}/moto-api/reset`, { method: "POST" });
    if (!response.ok) throw new Error(`moto's reset answered ${response.status}`);
  }

  /** Ends the server. */
  public async stop(): Promise<void> {
    await this.end();
  }

  private async ec2(action: string, parameters: Record<string, string>): Promise<string> {
    return queryAws(this.signer("ec2"), "2016-11-15", action, parameters);
  }
}

function idIn(xml: string, element: string): string {
  const id = new RegExp(`<${element}>([^<]+)</${element}>`).exec(xml)?.[1];
  if (!id) throw new Error(`moto answered no ${element}: ${xml}`);
  return id;
}
