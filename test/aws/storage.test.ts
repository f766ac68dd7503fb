import { ACCOUNT, Json, REGION, Sample } from "./support";

describe("object store", () => {
  function sample(removal: "retain" | "destroy" = "retain"): Sample {
    const made = new Sample({ accountId: ACCOUNT, tags: { team: "ai" } });
    const store = made.platform.objectStore(made.stack, "Files", { name: "gwy", removal });
    store.putFile("Bundle", "bundles/abc.tar", "/tmp/bundle.tar", "abc");
    store.putText("Settings", "settings/def.json", `{"bucket":"${store.bucket}"}`);
    return made;
  }

  test.each([
    ["retain" as const, true, false],
    ["destroy" as const, false, true],
  ])("with %s Terraform refuses to destroy the bucket: %s, or empties it: %s", (removal, isKept, isEmptied) => {
    expect(sample(removal).only("aws_s3_bucket")).toMatchObject({
      bucket: `gwy-bundles-${ACCOUNT}-${REGION}`,
      force_destroy: isEmptied,
      lifecycle: { prevent_destroy: isKept },
      tags: { team: "ai", Name: `gwy-bundles-${ACCOUNT}-${REGION}` },
    });
  });

  test("the bucket is private, versioned, encrypted and without access control lists", () => {
    const made = sample();
    expect(made.only("aws_s3_bucket_public_access_block")).toMatchObject({
      block_public_acls: true,
      block_public_policy: true,
      ignore_public_acls: true,
      restrict_public_buckets: true,
    });
    expect(made.only("aws_s3_bucket_versioning").versioning_configuration).toEqual({ status: "Enabled" });
    expect(made.only("aws_s3_bucket_server_side_encryption_configuration").rule).toEqual([
      { apply_server_side_encryption_by_default: { sse_algorithm: "AES256" } },
    ]);
    expect(made.only("aws_s3_bucket_ownership_controls").rule).toEqual({ object_ownership: "BucketOwnerEnforced" });
  });

  test("former versions go after 90 days, and what was never finished after 7", () => {
    expect(sample().only("aws_s3_bucket_lifecycle_configuration").rule).toEqual([
      {
        id: "former-versions",
        status: "Enabled",
        filter: [{}],
        noncurrent_version_expiration: [{ noncurrent_days: 90 }],
        expiration: [{ expired_object_delete_marker: true }],
        abort_incomplete_multipart_upload: [{ days_after_initiation: 7 }],
      },
    ]);
  });

  test("who reaches it is logged where a bucket for that is named, and only there", () => {
    expect(sample().resources("aws_s3_bucket_logging")).toEqual([]);
    const logged = new Sample({ accountId: ACCOUNT, accessLogsBucket: "corp-logs" });
    logged.platform.objectStore(logged.stack, "Files", { name: "gwy", removal: "retain" });
    expect(logged.only("aws_s3_bucket_logging")).toMatchObject({ target_bucket: "corp-logs", target_prefix: "gwy/bucket/" });
  });

  test("nobody reaches it without TLS", () => {
    const [statement] = JSON.parse(sample().only("aws_s3_bucket_policy").policy).Statement;
    expect(statement).toMatchObject({
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    });
    expect(statement.Resource).toHaveLength(2);
  });

  test("objects come after the bucket's settings, and old ones stay until the new ones are used", () => {
    const objects = sample().resources("aws_s3_object");
    expect(objects).toEqual([
      expect.objectContaining({ key: "bundles/abc.tar", source: "/tmp/bundle.tar", source_hash: "abc" }),
      expect.objectContaining({
        key: "settings/def.json",
        content: expect.stringMatching(/^\{"bucket":"\$\{aws_s3_bucket\.[^}]+\.bucket\}"\}$/),
      }),
    ]);
    objects.forEach((object: Json) => {
      expect(object.lifecycle).toEqual({ create_before_destroy: true });
      expect(object.depends_on.map((dependency: string) => dependency.split(".")[0])).toEqual([
        "aws_s3_bucket_versioning",
        "aws_s3_bucket_server_side_encryption_configuration",
        "aws_s3_bucket_policy",
      ]);
      expect(object.tags).toBeUndefined();
    });
  });

  test("reading is of the keys that are asked for, in this bucket", () => {
    const made = new Sample({ accountId: ACCOUNT });
    const statement = made.platform
      .objectStore(made.stack, "Files", { name: "gwy", removal: "retain" })
      .readStatement(["bundles/*", "settings/a.json"]);
    expect(statement.actions).toEqual(["s3:GetObject"]);
    expect(statement.resources).toEqual([expect.stringMatching(/\}\/bundles\/\*$/), expect.stringMatching(/\}\/settings\/a\.json$/)]);
  });

  test("the longest name makes a bucket's name that S3 takes", () => {
    expect(`${"a".repeat(24)}-bundles-${ACCOUNT}-ap-southeast-1`.length).toBeLessThanOrEqual(63);
  });
});

describe("log store", () => {
  test("is encrypted by the key that is named, or else by CloudWatch's own", () => {
    const key = (logKeyArn?: string): unknown => {
      const sample = new Sample({ logKeyArn });
      sample.platform.logStore(sample.stack, "Logs", { name: "gwy", retentionDays: 365, removal: "retain" });
      return sample.only("aws_cloudwatch_log_group").kms_key_id;
    };
    const arn = `arn:aws:kms:${REGION}:${ACCOUNT}:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9`;
    expect([key(arn), key()]).toEqual([arn, undefined]);
  });

  test("nodes write to this group and no other", () => {
    const sample = new Sample();
    const logs = sample.platform.logStore(sample.stack, "Logs", {
      name: "gw-${terraform.workspace}",
      retentionDays: 365,
      removal: "retain",
    });
    expect(sample.only("aws_cloudwatch_log_group")).toMatchObject({
      name: "/cdktf-ai-gateway/gw-${terraform.workspace}",
      retention_in_days: 365,
      lifecycle: { prevent_destroy: true },
    });
    expect(logs.settings).toEqual({ kind: "cloudwatch", group: logs.destination, region: REGION });
    expect(logs.writeStatement.actions).toEqual(["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]);
    const [group, streams] = logs.writeStatement.resources;
    expect(streams).toBe(`${group}:*`);
  });
});
