import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { problemsOf, RULES, startSimulatedProviders, UNKNOWN, type Rule, type SimulatedProviders } from "./simulated-provider";
import { planResource } from "./simulated-provider/plan";
import { EXPECTED_REFUSALS } from "./simulated-provider/refusals";
import { loadSchema, type Block } from "./simulated-provider/schema";
import { configOf, knownGoodStack as wholeKnownGoodStack, stackOf, withValue, type Stack } from "./simulated-provider/stack";

const ALICLOUD = "aliyun/alicloud";
const NULL = "hashicorp/null";
const ALICLOUD_SCHEMA = resolve(__dirname, "../../schema/alicloud.schema.json");
const NULL_SCHEMA = resolve(__dirname, "simulated-provider/null.schema.json");

/** The known-good stack without the types that the project's trimmed schema leaves out. */
function knownGoodStack(): Stack {
  const stack = wholeKnownGoodStack();
  const types = [ALICLOUD_SCHEMA, NULL_SCHEMA].flatMap((file) => Object.keys(loadSchema(file).resource_schemas ?? {}));
  return { ...stack, resource: Object.fromEntries(Object.entries(stack.resource).filter(([type]) => types.includes(type))) };
}

interface Outcome {
  readonly exitCode: number;
  /** Both streams, on one line, without Terraform's frames. */
  readonly output: string;
}

/** A working directory with simulated clouds of its own. */
class Workbench {
  private constructor(
    private readonly directory: string,
    public readonly providers: SimulatedProviders,
  ) {}

  public static async open(stack: Stack): Promise<Workbench> {
    const directory = mkdtempSync(join(tmpdir(), "simulated-provider-"));
    writeFileSync(join(directory, "terraform.rc"), "");
    const bench = new Workbench(directory, await Workbench.serve(directory));
    mkdirSync(join(directory, "stack"));
    bench.write(stack);
    expect(await bench.terraform("init")).toMatchObject({ exitCode: 0 });
    return bench;
  }

  public static serve(directory: string): Promise<SimulatedProviders> {
    return startSimulatedProviders({
      directory: join(directory, "clouds"),
      schemas: [
        { source: ALICLOUD, file: ALICLOUD_SCHEMA },
        { source: NULL, file: NULL_SCHEMA },
      ],
    });
  }

  public write(stack: Stack): void {
    writeFileSync(join(this.directory, "stack", "main.tf.json"), JSON.stringify(stack));
  }

  public terraform(...args: string[]): Promise<Outcome> {
    const env = {
      PATH: process.env.PATH,
      HOME: this.directory,
      CHECKPOINT_DISABLE: "1",
      TF_CLI_CONFIG_FILE: join(this.directory, "terraform.rc"),
      TF_IN_AUTOMATION: "1",
      ...this.providers.environment,
    };
    const quiet = args[0] === "show" || args[0] === "output" ? [] : ["-no-color"];
    return new Promise((done) => {
      execFile(
        "terraform",
        [...args, ...quiet],
        { cwd: join(this.directory, "stack"), env, maxBuffer: 64 * 1024 * 1024 },
        (error, stdout, stderr) => {
          done({ exitCode: error ? Number(error.code) : 0, output: `${stdout} ${stderr}`.replace(/[│╷╵\s]+/g, " ") });
        },
      );
    });
  }

  public apply(): Promise<Outcome> {
    return this.terraform("apply", "-auto-approve");
  }

  public destroy(): Promise<Outcome> {
    return this.terraform("destroy", "-auto-approve");
  }

  public plan(): Promise<Outcome> {
    return this.terraform("plan", "-detailed-exitcode", "-lock=false");
  }

  public async close(): Promise<void> {
    await this.providers.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  public clouds(): string {
    return this.directory;
  }
}

/** The one resource of a type and name in a stack, for a change in place. */
function at(stack: Stack, type: string, name: string): Record<string, unknown> {
  const found = stack.resource[type]?.[name];
  if (!found) throw new Error(`no ${type}.${name}`);
  return found;
}

function unprotectedStack(): Stack {
  const stack = knownGoodStack();
  at(stack, "alicloud_alb_load_balancer", "gw").deletion_protection_config = [{ enabled: false }];
  at(stack, "alicloud_ess_scaling_group", "g").group_deletion_protection = false;
  at(stack, "alicloud_kms_key", "k").deletion_protection = "Disabled";
  at(stack, "alicloud_oss_bucket", "b").force_destroy = true;
  return stack;
}

describe("the known-good stack", () => {
  let bench: Workbench;
  const cloud = () => bench.providers.cloud(ALICLOUD);
  const only = (type: string) => {
    const [first, ...others] = cloud().list(type);
    if (!first || others.length) throw new Error(`${type}: expected one`);
    return first;
  };

  beforeAll(async () => {
    bench = await Workbench.open(knownGoodStack());
    const applied = await bench.apply();
    expect(applied).toMatchObject({ exitCode: 0 });
  });
  afterAll(() => bench.close());
  afterEach(async () => {
    bench.write(knownGoodStack());
    expect((await bench.apply()).exitCode).toBe(0);
  });

  it("is valid, and its second plan is empty", async () => {
    expect(await bench.terraform("validate")).toMatchObject({ exitCode: 0 });
    expect(await bench.plan()).toMatchObject({ exitCode: 0 });
  });

  it("gets computed attributes in the cloud's forms", async () => {
    const balancer = only("alicloud_alb_load_balancer");
    expect(balancer.attributes.dns_name).toBe(`${balancer.id}.cn-shanghai.alb.aliyuncs.com`);
    expect(balancer.id).toMatch(/^alb-[0-9a-f]{18}$/);
    expect(only("alicloud_ram_role").attributes.arn).toBe("acs:ram::1234567890123456:role/llm-gw");
    expect(only("alicloud_ram_role_policy_attachment").id).toBe("role:llm-gw:Custom:llm-gw");
    expect(only("alicloud_kms_key").attributes.arn).toMatch(/^acs:kms:cn-shanghai:1234567890123456:key\/key-/);
    const outputs = JSON.parse((await bench.terraform("output", "-json")).output) as Record<string, { value: unknown }>;
    const ranges = outputs.cidrs?.value as string[];
    expect(ranges).toEqual([expect.stringMatching(/^10\.0\.\d+\.0\/24$/), expect.stringMatching(/^10\.0\.\d+\.0\/24$/)]);
    expect(new Set(ranges).size).toBe(2);
    expect(outputs.image?.value).toBe("ubuntu_24_04_x64_20G_alibase_20250101.vhd");
  });

  it("shows a change by hand as a change, and apply takes it back", async () => {
    const listener = only("alicloud_alb_listener");
    cloud().change("alicloud_alb_listener", listener.id, { request_timeout: 60 });
    const planned = await bench.plan();
    expect(planned.exitCode).toBe(2);
    expect(planned.output).toMatch(/request_timeout += 60 -> 600/);
    await bench.apply();
    expect(cloud().read("alicloud_alb_listener", listener.id)).toMatchObject({ request_timeout: 600 });
  });

  it("shows a deletion by hand as a creation", async () => {
    cloud().delete("alicloud_pvtz_zone_record", only("alicloud_pvtz_zone_record").id);
    const planned = await bench.plan();
    expect(planned.exitCode).toBe(2);
    expect(planned.output).toContain("alicloud_pvtz_zone_record.z will be created");
  });

  it("plans nothing for a policy document that only looks different", async () => {
    const stack = knownGoodStack();
    const role = at(stack, "alicloud_ram_role", "gw");
    role.assume_role_policy_document = JSON.stringify(JSON.parse(String(role.assume_role_policy_document)), null, 2);
    bench.write(stack);
    expect(await bench.plan()).toMatchObject({ exitCode: 0 });
  });

  it("counts a launch template's versions and starts a new refresh for each", async () => {
    const template = only("alicloud_ecs_launch_template");
    const before = Number(template.attributes.latest_version_number);
    const refresh = only("alicloud_ess_instance_refresh").id;
    const stack = knownGoodStack();
    Object.assign(at(stack, "alicloud_ecs_launch_template", "lt"), {
      user_data: Buffer.from("#!/bin/sh\n# new\n").toString("base64"),
      update_default_version_number: true,
    });
    bench.write(stack);
    expect((await bench.plan()).output).toContain("alicloud_ess_instance_refresh.r must be replaced");
    expect(await bench.apply()).toMatchObject({ exitCode: 0 });
    expect(only("alicloud_ecs_launch_template").attributes).toMatchObject({
      latest_version_number: before + 1,
      default_version_number: before + 1,
    });
    expect(only("alicloud_ess_instance_refresh").id).not.toBe(refresh);
    expect(await bench.plan()).toMatchObject({ exitCode: 0 });
  });

  it("plans to remove the scaling group's servers where they are not ignored", async () => {
    expect(only("alicloud_alb_server_group").attributes.servers).toHaveLength(2);
    const stack = knownGoodStack();
    delete at(stack, "alicloud_alb_server_group", "gw").lifecycle;
    bench.write(stack);
    const planned = await bench.plan();
    expect(planned.exitCode).toBe(2);
    expect(planned.output).toContain("- servers {");
  });

  it("replaces what cannot be changed in place", async () => {
    const stack = knownGoodStack();
    at(stack, "alicloud_alb_listener", "l").listener_port = 8443;
    at(stack, "alicloud_message_service_queue", "q").queue_name = "llm-gw-other";
    bench.write(stack);
    const { output } = await bench.plan();
    expect(output).toContain("alicloud_alb_listener.l must be replaced");
    expect(output).toContain("alicloud_message_service_queue.q must be replaced");
    expect(output).not.toContain("alicloud_alb_load_balancer.gw must be replaced");
  });

  it("keeps a protection whose block is only taken out", async () => {
    const stack = knownGoodStack();
    delete at(stack, "alicloud_alb_load_balancer", "gw").deletion_protection_config;
    bench.write(stack);
    expect(await bench.plan()).toMatchObject({ exitCode: 0 });
  });

  it("is seen alike by another server on the same directory", async () => {
    const other = await Workbench.serve(bench.clouds());
    expect(other.cloud(ALICLOUD).list("alicloud_alb_rule")).toEqual(cloud().list("alicloud_alb_rule"));
    await other.stop();
  });
});

describe("destroy", () => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await Workbench.open(knownGoodStack());
  });
  afterAll(() => bench.close());

  it("is refused by every protection, and clean once they are off", async () => {
    expect(await bench.apply()).toMatchObject({ exitCode: 0 });

    const refused = await bench.destroy();
    expect(refused.exitCode).toBe(1);
    expect(refused.output).toContain("deletion protection of the load balancer is enabled");
    expect(refused.output).toContain("GroupDeletionProtection of the scaling group is enabled");
    expect(refused.output).toContain("deletion protection of the key is enabled");
    expect(refused.output).toContain("BucketNotEmpty");
    expect(refused.output).toContain("noncurrent versions of deleted objects");

    bench.write(unprotectedStack());
    expect(await bench.apply()).toMatchObject({ exitCode: 0 });
    expect(await bench.destroy()).toMatchObject({ exitCode: 0 });
    const contents = JSON.parse(readFileSync(join(bench.clouds(), "clouds", "aliyun_alicloud.cloud.json"), "utf8")) as {
      resources: object;
    };
    expect(contents.resources).toEqual({});
  });
});

describe("what Terraform reports", () => {
  let bench: Workbench;
  const first = (type: string): Stack["resource"] => ({ [type]: knownGoodStack().resource[type] ?? {} });

  beforeAll(async () => {
    bench = await Workbench.open(stackOf(first("alicloud_log_project")));
  });
  afterAll(() => bench.close());

  it.each<[string, Stack["resource"], string, "validate" | "apply"]>([
    [
      "an argument that is not in the schema",
      { alicloud_log_project: { p: { project_name: "llm", region: "x" } } },
      "Extraneous JSON object property",
      "validate",
    ],
    [
      "a missing argument",
      { alicloud_ram_role_policy_attachment: { a: { role_name: "r", policy_name: "p" } } },
      '"policy_type" is required',
      "validate",
    ],
    [
      "a value that the provider refuses",
      { alicloud_log_project: { p: { project_name: "llm logs" } } },
      "the name of the log project",
      "validate",
    ],
    [
      "a value that only the cloud refuses",
      { alicloud_ram_role: { r: { role_name: "r", assume_role_policy_document: "{}", max_session_duration: 60 } } },
      "max_session_duration expected to be in the range (3600 - 43200)",
      "apply",
    ],
    [
      "a load balancer that does not exist",
      { alicloud_alb_load_balancer_security_group_attachment: { a: { load_balancer_id: "alb-none", security_group_id: "sg-none" } } },
      'NotFound: alicloud_alb_load_balancer_security_group_attachment: load_balancer_id: there is no alicloud_alb_load_balancer "alb-none"',
      "apply",
    ],
    [
      "a policy that does not exist",
      { alicloud_ram_role_policy_attachment: { a: { role_name: "r", policy_name: "p", policy_type: "Custom" } } },
      'there is no alicloud_ram_role "r"',
      "apply",
    ],
    [
      "a project that does not exist",
      { alicloud_log_store: { s: { project_name: "nowhere", logstore_name: "store" } } },
      'there is no alicloud_log_project "nowhere"',
      "apply",
    ],
    [
      "a bucket that does not exist",
      { alicloud_oss_bucket_object: { o: { bucket: "nowhere", key: "k", content: "x" } } },
      'there is no alicloud_oss_bucket "nowhere"',
      "apply",
    ],
    [
      "a secret whose key is of another KMS instance",
      {
        alicloud_kms_key: { k: { dkms_instance_id: "kst-1", pending_window_in_days: 7 } },
        alicloud_kms_secret: { s: { secret_name: "s", secret_data: "x", version_id: "v1", encryption_key_id: "${alicloud_kms_key.k.id}" } },
      },
      'the secret s is of the KMS instance "", and its key of "kst-1"',
      "apply",
    ],
    [
      "a name that is taken",
      { alicloud_oss_bucket: { a: { bucket: "one-bucket" }, b: { bucket: "one-bucket" } } },
      "AlreadyExists: alicloud_oss_bucket: bucket one-bucket is taken already",
      "apply",
    ],
  ])("refuses %s", async (_what, resource, message, at_) => {
    bench.write(stackOf(resource));
    const validated = await bench.terraform("validate");
    expect(validated.exitCode).toBe(at_ === "validate" ? 1 : 0);
    const { output } = at_ === "validate" ? validated : await bench.apply();
    expect(output).toContain(message);
  });

  it("refuses a data source that is not simulated", async () => {
    bench.write({ ...stackOf(first("alicloud_log_project")), data: { alicloud_vpcs: { all: {} } } });
    expect((await bench.plan()).output).toContain("data source alicloud_vpcs is not simulated without ids");
  });

  it("takes what exists already for granted, once it is added by hand", async () => {
    bench.providers.cloud(ALICLOUD).add("alicloud_log_project", { project_name: "nowhere" });
    bench.write(stackOf({ alicloud_log_store: { s: { project_name: "nowhere", logstore_name: "store" } } }));
    expect(await bench.apply()).toMatchObject({ exitCode: 0 });
  });
});

describe("rules", () => {
  const refused = new Set<Rule>();

  it.each(Object.keys(wholeKnownGoodStack().resource))("accept the known-good %s", (type) => {
    expect(problemsOf(type, configOf(type)).map(({ text }) => text)).toEqual([]);
  });

  it.each(EXPECTED_REFUSALS.map((expected) => [expected.type, expected.message, expected] as const))(
    "%s: %s",
    (type, message, { changes }) => {
      const config = Object.entries(changes).reduce((changed, [path, value]) => withValue(changed, path, value), configOf(type));
      const problems = problemsOf(type, config).filter(({ text }) => text.includes(`${type}: `) && text.includes(message));
      expect(problems).not.toEqual([]);
      for (const { rule } of problems) refused.add(rule);
    },
  );

  it("are all shown to refuse", () => {
    const untested = RULES.filter((rule) => !refused.has(rule)).map((rule) => `${rule.type} ${rule.attribute} (${rule.source})`);
    expect(untested).toEqual([]);
  });
});

describe("a plan", () => {
  const block: Block = {
    attributes: { secret: { type: "string", optional: true, write_only: true }, arn: { type: "string", computed: true } },
    block_types: {
      disk: {
        nesting_mode: "set",
        block: { attributes: { name: { type: "string", optional: true }, size: { type: "number", optional: true, computed: true } } },
      },
    },
  };
  const disk = (name: string, size: number | null) => ({ name, size });

  it("forgets write-only values and leaves computed ones open", () => {
    const { planned } = planResource("any", block, { secret: "s", arn: null, disk: [disk("a", null)] }, null);
    expect(planned).toEqual({ secret: null, arn: UNKNOWN, disk: [{ name: "a", size: UNKNOWN }] });
  });

  it("knows the elements of a set again in another order", () => {
    const prior = { secret: null, arn: "arn", disk: [disk("a", 1), disk("b", 2)] };
    const proposed = { secret: "s", arn: "arn", disk: [disk("b", null), disk("c", null), disk("a", null)] };
    expect(planResource("any", block, proposed, prior).planned).toEqual({
      secret: null,
      arn: "arn",
      disk: [disk("b", 2), { name: "c", size: UNKNOWN }, disk("a", 1)],
    });
  });
});

describe("stop", () => {
  it("leaves no socket and no server behind", async () => {
    const directory = mkdtempSync(join(tmpdir(), "simulated-provider-"));
    const providers = await Workbench.serve(directory);
    const reattach = JSON.parse(providers.environment.TF_REATTACH_PROVIDERS) as Record<string, { Addr: { String: string } }>;
    const sockets = Object.values(reattach).map(({ Addr }) => Addr.String);
    expect(sockets.map((socket) => existsSync(socket))).toEqual([true, true]);
    await providers.stop();
    expect(sockets.map((socket) => existsSync(dirname(socket)))).toEqual([false, false]);
    rmSync(directory, { recursive: true });
  });

  it("also follows a failed start", async () => {
    const directory = mkdtempSync(join(tmpdir(), "simulated-provider-"));
    await expect(startSimulatedProviders({ directory, schemas: [{ source: NULL, file: join(directory, "none.json") }] })).rejects.toThrow(
      "ENOENT",
    );
    rmSync(directory, { recursive: true });
  });
});
