import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AccessStatement } from "../../src/access";
import { Duration } from "../../src/duration";
import { Schedule } from "../../src/schedule";
import { readGranted } from "../support/granted";
import { newPlatform, newStack, only, rendered, resources } from "./support";

describe("role", () => {
  test("is trusted for instances only, and allowed what is known at synthesis", () => {
    const stack = newStack();
    const statements: AccessStatement[] = [];
    const role = newPlatform().role(stack, "role", {
      name: "gateway-${terraform.workspace}",
      description: "nodes",
      statements: () => statements,
    });
    statements.push({
      sid: "ReadSecrets",
      actions: ["kms:GetSecretValue"],
      resources: ["acs:kms:cn-shanghai:1:secret/a"],
      conditions: { StringEquals: { "acs:SourceVpc": ["vpc-1"] } },
    });

    const { role_name, assume_role_policy_document } = only(stack, "alicloud_ram_role");
    expect(role_name).toBe("gateway-${terraform.workspace}-nodes-cn-shanghai");
    expect(JSON.parse(assume_role_policy_document)).toEqual({
      Version: "1",
      Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: ["ecs.aliyuncs.com"] } }],
    });
    const policy = only(stack, "alicloud_ram_policy");
    expect(policy).toMatchObject({ policy_name: role_name, description: "nodes" });
    expect(policy.rotate_strategy).toBe("DeleteOldestNonDefaultVersionWhenLimitExceeded");
    expect(JSON.parse(policy.policy_document)).toEqual({
      Version: "1",
      Statement: [
        {
          Effect: "Allow",
          Action: ["kms:GetSecretValue"],
          Resource: ["acs:kms:cn-shanghai:1:secret/a"],
          Condition: { StringEquals: { "acs:SourceVpc": ["vpc-1"] } },
        },
      ],
    });
    expect(only(stack, "alicloud_ram_role_policy_attachment").policy_type).toBe("Custom");
    expect(rendered(stack, role.instanceIdentity)).toMatch(/alicloud_ram_role\..*\.role_name/);
    expect(role.ready).toHaveLength(1);
  });
});

describe("secret store", () => {
  test("makes a key and no secret", () => {
    const stack = newStack();
    newPlatform().secretStore.key(stack, "key", { name: "gateway", removal: "retain" });
    expect(only(stack, "alicloud_kms_key")).toMatchObject({
      key_spec: "Aliyun_AES_256",
      automatic_rotation: "Enabled",
      rotation_interval: "365d",
      pending_window_in_days: 30,
      deletion_protection: "Enabled",
      lifecycle: { prevent_destroy: true },
    });
    expect(only(stack, "alicloud_kms_alias").alias_name).toBe("alias/gateway");
    expect(resources(stack, "alicloud_kms_secret")).toEqual([]);
  });

  test("can be told to go with the stack", () => {
    const stack = newStack();
    newPlatform().secretStore.key(stack, "key", { name: "gateway", removal: "destroy" });
    expect(only(stack, "alicloud_kms_key")).toMatchObject({ deletion_protection: "Disabled", lifecycle: { prevent_destroy: false } });
  });

  test("makes the key in the account's KMS instance where there is one", () => {
    const keyOf = (kmsInstanceId?: string) => {
      const stack = newStack();
      newPlatform({ kmsInstanceId }).secretStore.key(stack, "key", { name: "gateway", removal: "retain" });
      return only(stack, "alicloud_kms_key");
    };
    expect(keyOf()).not.toHaveProperty("dkms_instance_id");
    expect(keyOf("kst-szz65fe8d1").dkms_instance_id).toBe("kst-szz65fe8d1");
    expect(keyOf("${var.kms_instance}").dkms_instance_id).toBe("${var.kms_instance}");
  });

  test("reads exactly these secrets with exactly this key", () => {
    const stack = newStack();
    const { secretStore } = newPlatform();
    expect(readGranted(stack, secretStore, ["llm/openai", "llm/${terraform.workspace}"], { id: "key-1" })).toEqual([
      {
        sid: "ReadSecrets",
        actions: ["kms:GetSecretValue"],
        resources: [
          "acs:kms:cn-shanghai:1234567890123456:secret/llm/openai",
          "acs:kms:cn-shanghai:1234567890123456:secret/llm/${terraform.workspace}",
        ],
      },
      { sid: "DecryptSecrets", actions: ["kms:Decrypt"], resources: ["acs:kms:cn-shanghai:1234567890123456:key/key-1"] },
    ]);
    expect(readGranted(newStack(), secretStore, [], { id: "key-1" })).toEqual([]);
  });

  test.each([
    ["llm/openai_key+v1=a.b@c-d", 0],
    ["x".repeat(192), 0],
    ["llm-${terraform.workspace}", 0],
    ["${data.alicloud_kms_secrets.llm.names[0]}", 0],
    ["aigw!openai", 0],
    ["x".repeat(193), 1],
    ["acs/rds", 1],
    ["with space", 1],
    ["", 1],
    ["wild*card", 1],
  ])("name %j: %d problems", (name, count) => {
    expect(newPlatform().secretStore.nameProblems("secrets.openai", name)).toHaveLength(count);
  });
});

describe("object store", () => {
  test("is private, versioned, encrypted and kept", () => {
    const stack = newStack();
    newPlatform().objectStore(stack, "files", { name: "gateway", removal: "retain" });
    expect(only(stack, "alicloud_oss_bucket")).toMatchObject({
      bucket: "gateway-1234567890123456-cn-shanghai",
      versioning: { status: "Enabled" },
      server_side_encryption_rule: { sse_algorithm: "AES256" },
      lifecycle_rule: [
        {
          enabled: true,
          noncurrent_version_expiration: [{ days: 90 }],
          expiration: [{ expired_object_delete_marker: true }],
          abort_multipart_upload: [{ days: 7 }],
        },
      ],
      force_destroy: false,
      lifecycle: { prevent_destroy: true },
    });
    expect(only(stack, "alicloud_oss_bucket_public_access_block").block_public_access).toBe(true);
    expect(only(stack, "alicloud_oss_bucket_https_config")).toMatchObject({ enable: true, tls_versions: ["TLSv1.2", "TLSv1.3"] });
  });

  test("takes files and texts, each new before old, and lets them be read by key", () => {
    const stack = newStack();
    const store = newPlatform().objectStore(stack, "files", { name: "gateway", removal: "destroy" });
    store.putFile("Bundle", "bundles/abc.tar", "assets/bundle.tar", "abc");
    store.putText("Settings", "settings/def.json", "${local.settings}");
    expect(only(stack, "alicloud_oss_bucket").force_destroy).toBe(true);
    const lifecycle = { create_before_destroy: true };
    expect(resources(stack, "alicloud_oss_bucket_object")).toEqual([
      expect.objectContaining({ key: "bundles/abc.tar", source: "assets/bundle.tar", lifecycle }),
      expect.objectContaining({ key: "settings/def.json", content: "${local.settings}", lifecycle }),
    ]);
    expect(rendered(stack, store.readStatement(["bundles/*"]))).toEqual({
      sid: "ReadObjects",
      actions: ["oss:GetObject"],
      resources: [expect.stringMatching(/^acs:oss:\*:\*:\$\{alicloud_oss_bucket\..*\.bucket\}\/bundles\/\*$/)],
    });
  });
});

test("one gateway name in two regions makes no name of the account or of all accounts twice", () => {
  const names = ["cn-shanghai", "cn-hangzhou"].flatMap((region) => {
    const stack = newStack();
    const platform = newPlatform({ region });
    platform.role(stack, "role", { name: "gateway", description: "nodes", statements: () => [] });
    platform.objectStore(stack, "files", { name: "gateway", removal: "retain" });
    return [
      only(stack, "alicloud_ram_role").role_name,
      only(stack, "alicloud_ram_policy").policy_name,
      only(stack, "alicloud_oss_bucket").bucket,
    ];
  });
  // A role and its policy share a name.
  expect(new Set(names).size).toBe(4);
});

test("the longest names are within what RAM and OSS take", () => {
  const stack = newStack();
  const platform = newPlatform({ region: "cn-shanghai-finance-1" });
  const name = "a".repeat(24);
  platform.role(stack, "role", { name, description: "nodes", statements: () => [] });
  platform.objectStore(stack, "files", { name, removal: "retain" });
  platform.driftCheck(stack, "drift", { name, schedule: Schedule.every(Duration.hours(6)), message: "{}" });
  const roles = resources(stack, "alicloud_ram_role").map(({ role_name }) => role_name.length);
  expect(roles).toHaveLength(2);
  expect(Math.max(...roles)).toBeLessThanOrEqual(64);
  expect(only(stack, "alicloud_oss_bucket").bucket.length).toBeLessThanOrEqual(63);
});

describe("log store", () => {
  test("is indexed by the request log's fields, and written by its own name only", () => {
    const stack = newStack();
    const store = newPlatform().logStore(stack, "logs", { name: "gateway", retentionDays: 180, removal: "retain" });
    expect(only(stack, "alicloud_log_project")).toMatchObject({
      project_name: "gateway-1234567890123456",
      lifecycle: { prevent_destroy: true },
    });
    expect(only(stack, "alicloud_log_store")).toMatchObject({
      logstore_name: "gateway-requests",
      retention_period: 180,
      encrypt_conf: { enable: true },
    });
    const { field_search, max_text_len } = only(stack, "alicloud_log_store_index");
    // 20 labels as long as they may be, each character of a value as long as it may be, fit.
    expect(max_text_len).toBeGreaterThan(20 * (63 + 128 * 4 + '"":"",'.length));
    const types = Object.fromEntries(field_search.map(({ name, type }: { name: string; type: string }) => [name, type]));
    expect(types).toMatchObject({
      agent: "text",
      group: "text",
      labels: "text",
      process: "long",
      model: "text",
      status: "long",
      total_tokens: "long",
      cost: "double",
    });
    const schema = JSON.parse(readFileSync(join(__dirname, "..", "..", "docs", "request-log.schema.json"), "utf8"));
    const described = Object.assign(
      {},
      schema.properties,
      ...Object.values<{ properties: object }>(schema.$defs).map((part) => part.properties),
    );
    expect(Object.keys(described)).toEqual(expect.arrayContaining(Object.keys(types)));
    expect(rendered(stack, store.settings)).toMatchObject({
      kind: "sls",
      region: "cn-shanghai",
      endpoint: "cn-shanghai-intranet.log.aliyuncs.com",
    });
    expect(rendered(stack, store.writeStatement)).toEqual({
      sid: "WriteRequestLog",
      actions: ["log:PostLogStoreLogs"],
      resources: [
        expect.stringMatching(
          /^acs:log:cn-shanghai:1234567890123456:project\/\$\{[^}]*project_name\}\/logstore\/\$\{[^}]*logstore_name\}$/,
        ),
      ],
    });
  });
});
