import { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { AccessStatement } from "../access";
import { ObjectStore, ObjectStoreSpec } from "../platform";
import { removalLifecycle } from "../removal";
import { terraformJson } from "../text";
import { accountIdOf } from "./account";
import { AwsContext } from "./context";
import { ConfigOf, ResourceOf } from "./resource-kinds";

/** A private S3 bucket: versioned, encrypted, reached over TLS only, without access control lists. */
export class S3ObjectStore extends Construct implements ObjectStore {
  public readonly bucket: string;

  private readonly arn: string;
  /** An object that came before versioning would have no version. */
  private readonly guarded: ITerraformDependable[];

  constructor(
    scope: Construct,
    id: string,
    private readonly context: AwsContext,
    spec: ObjectStoreSpec,
  ) {
    super(scope, id);
    const { resources, region } = context;
    const name = bucketName(spec.name, accountIdOf(this, context), region);
    const bucket = resources.make("bucket", this, "Bucket", {
      bucket: name,
      forceDestroy: spec.removal === "destroy",
      lifecycle: removalLifecycle(spec.removal),
      tags: resources.tags(name),
    });
    this.bucket = bucket.bucket;
    this.arn = bucket.arn;
    this.guarded = this.guard(bucket);
    this.clean(bucket);
    this.log(bucket, spec.name);
  }

  public putFile(id: string, key: string, path: string, sha256: string): ITerraformDependable {
    return this.put(id, { bucket: this.bucket, key, source: path, sourceHash: sha256 });
  }

  public putText(id: string, key: string, text: string): ITerraformDependable {
    return this.put(id, { bucket: this.bucket, key, content: text });
  }

  public readStatement(keys: readonly string[]): AccessStatement {
    return { sid: "ReadObjects", actions: ["s3:GetObject"], resources: keys.map((key) => `${this.arn}/${key}`) };
  }

  /** Objects bear no tags: S3 takes ten at most, and the bucket has them. */
  private put(id: string, config: ConfigOf<"bucketObject">): ITerraformDependable {
    return this.context.resources.make("bucketObject", this, id, {
      ...config,
      dependsOn: this.guarded,
      // A node that boots while the fleet is replaced still finds the old one.
      lifecycle: { createBeforeDestroy: true },
    });
  }

  /** Each apply of another bundle leaves the former one behind as a version that nothing names. */
  private clean({ bucket }: ResourceOf<"bucket">): void {
    this.context.resources.make("bucketLifecycle", this, "Lifecycle", {
      bucket,
      rule: [
        {
          id: "former-versions",
          status: "Enabled",
          filter: [{}],
          noncurrentVersionExpiration: [{ noncurrentDays: FORMER_VERSION_DAYS }],
          expiration: [{ expiredObjectDeleteMarker: true }],
          abortIncompleteMultipartUpload: [{ daysAfterInitiation: 7 }],
        },
      ],
      // S3 looks for former versions only where there are versions.
      dependsOn: this.guarded,
    });
  }

  private log({ bucket }: ResourceOf<"bucket">, gateway: string): void {
    const { accessLogsBucket, resources } = this.context;
    if (accessLogsBucket === undefined) return;
    resources.make("bucketLogging", this, "Logging", { bucket, targetBucket: accessLogsBucket, targetPrefix: `${gateway}/bucket/` });
  }

  private guard({ arn, bucket }: ResourceOf<"bucket">): ITerraformDependable[] {
    const { resources } = this.context;
    const block = resources.make("bucketPublicAccessBlock", this, "PublicAccessBlock", {
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    resources.make("bucketOwnership", this, "Ownership", { bucket, rule: { objectOwnership: "BucketOwnerEnforced" } });
    return [
      resources.make("bucketVersioning", this, "Versioning", { bucket, versioningConfiguration: { status: "Enabled" } }),
      // S3's own key: nothing in it is a secret, and a key of KMS would have to be opened to every node beside the secrets' one.
      resources.make("bucketEncryption", this, "Encryption", {
        bucket,
        rule: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
      }),
      // S3 answers 409 to two settings of access at once.
      resources.make("bucketPolicy", this, "Policy", { bucket, policy: tlsOnly(arn), dependsOn: [block] }),
    ];
  }
}

/** Who rolls back by hand finds a former bundle for as long. */
const FORMER_VERSION_DAYS = 90;

/** The name of a gateway's bucket; those of all accounts and regions share one namespace. At most 63 characters. */
export function bucketName(gateway: string, accountId: string, region: string): string {
  return `${gateway}-bundles-${accountId}-${region}`;
}

function tlsOnly(bucketArn: string): string {
  return terraformJson({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "TlsOnly",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [bucketArn, `${bucketArn}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ],
  });
}
