import { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { AccessStatement } from "../access";
import { ObjectStore, ObjectStoreSpec } from "../platform";
import { removalLifecycle } from "../removal";
import { accountIdOf } from "./account";
import { AlicloudContext } from "./context";

/** A private OSS bucket: versioned, encrypted, reached over TLS only, public access blocked for good. */
export class OssObjectStore extends Construct implements ObjectStore {
  public readonly bucket: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly context: AlicloudContext,
    spec: ObjectStoreSpec,
  ) {
    super(scope, id);
    const { resources } = context;
    // Inline rather than by alicloud_oss_bucket_versioning and _server_side_encryption: two owners of one setting would plan against each other.
    const bucket = resources.make("bucket", this, "Bucket", {
      bucket: bucketName(context, this, spec.name),
      versioning: { status: "Enabled" },
      serverSideEncryptionRule: { sseAlgorithm: "AES256" },
      lifecycleRule: [FORMER_VERSIONS],
      forceDestroy: spec.removal === "destroy",
      lifecycle: removalLifecycle(spec.removal),
    });
    this.bucket = bucket.bucket;
    resources.make("bucketPublicAccessBlock", this, "PublicAccessBlock", { bucket: this.bucket, blockPublicAccess: true });
    resources.make("bucketHttpsConfig", this, "HttpsConfig", { bucket: this.bucket, enable: true, tlsVersions: ["TLSv1.2", "TLSv1.3"] });
  }

  /** The provider does not see that a file's content changed: the key must change with it, as one that holds the sha256 does. */
  public putFile(id: string, key: string, path: string): ITerraformDependable {
    return this.put(id, { key, source: path });
  }

  public putText(id: string, key: string, text: string): ITerraformDependable {
    return this.put(id, { key, content: text });
  }

  public readStatement(keys: readonly string[]): AccessStatement {
    return { sid: "ReadObjects", actions: ["oss:GetObject"], resources: keys.map((key) => `acs:oss:*:*:${this.bucket}/${key}`) };
  }

  private put(id: string, object: { readonly key: string; readonly source?: string; readonly content?: string }): ITerraformDependable {
    return this.context.resources.make("bucketObject", this, id, {
      bucket: this.bucket,
      ...object,
      // Whoever names the new key is changed before the old object goes.
      lifecycle: { createBeforeDestroy: true },
    });
  }
}

/** Each apply of another bundle leaves the former one behind as a version that nothing names; who rolls back by hand finds it for 90 days. */
const FORMER_VERSIONS = {
  id: "former-versions",
  enabled: true,
  noncurrentVersionExpiration: [{ days: 90 }],
  expiration: [{ expiredObjectDeleteMarker: true }],
  abortMultipartUpload: [{ days: 7 }],
};

/**
 * The name of a gateway's bucket; those of all accounts and regions share one namespace. A gateway's name of 24, an account
 * of 16 and the longest region, of 21 characters, make the 63 that OSS takes: there is room for no other word.
 */
export function bucketName(context: AlicloudContext, scope: Construct, gateway: string): string {
  return `${gateway}-${accountIdOf(scope, context)}-${context.region}`;
}
