import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AppliedResource, type AppliedStack } from "./applied-stack";

type Attributes = Readonly<Record<string, unknown>>;
type ById = Readonly<Record<string, Attributes | undefined>>;

interface StackJson {
  readonly resource: Readonly<Record<string, ById | undefined>>;
}

/** What only the cloud or Terraform's command line knows. */
export interface Surroundings {
  readonly region: string;
  readonly account: string;
}

/**
 * A synthesized stack as it will be once applied: each reference gives what the cloud would have put there, such as the ARN
 * of the bucket of that name. A reference that nobody said the value of is an error, so that no policy is judged by halves.
 */
export class ForeseenStack implements AppliedStack {
  private readonly stack: StackJson;

  constructor(
    folder: string,
    private readonly at: Surroundings,
  ) {
    this.stack = JSON.parse(readFileSync(join(folder, "cdk.tf.json"), "utf8")) as StackJson;
  }

  public all(type: string): readonly AppliedResource[] {
    const value = (id: string, attribute: string): string => this.value(`${type}.${id}.${attribute}`);
    return Object.keys(this.stack.resource[type] ?? {}).map((id) => new AppliedResource(id, (attribute) => value(id, attribute)));
  }

  private resolve(text: string): string {
    return text.replace(/(?<!\$)\$\{([^}]+)\}/g, (_, reference: string) => this.value(reference)).replaceAll("$${", "${");
  }

  private value(reference: string): string {
    const [type = "", id = "", attribute = ""] = reference.split(".").slice(reference.startsWith("data.") ? 1 : 0);
    const found = this.stack.resource[type]?.[id];
    const given = found?.[attribute];
    return typeof given === "string" ? this.resolve(given) : this.known(`${type}.${attribute}`, reference, found ?? {});
  }

  private known(kind: string, reference: string, attributes: Attributes): string {
    const name = (key: string): string => this.resolve(String(attributes[key]));
    const { region, account } = this.at;
    const uuid = uuidOf(reference);
    const values: Readonly<Record<string, () => string>> = {
      "terraform.": () => "default",
      "aws_partition.partition": () => "aws",
      "aws_caller_identity.account_id": () => account,
      "aws_s3_bucket.arn": () => `arn:aws:s3:::${name("bucket")}`,
      "aws_kms_key.arn": () => `arn:aws:kms:${region}:${account}:key/${uuid}`,
      "aws_cloudwatch_log_group.arn": () => `arn:aws:logs:${region}:${account}:log-group:${name("name")}`,
      "aws_autoscaling_group.arn": () =>
        `arn:aws:autoscaling:${region}:${account}:autoScalingGroup:${uuid}:autoScalingGroupName/${name("name")}`,
      "aws_sqs_queue.arn": () => `arn:aws:sqs:${region}:${account}:${name("name")}`,
      "aws_secretsmanager_secret.arn": () => `arn:aws:secretsmanager:${region}:${account}:secret:${name("name")}-a1B2c3`,
      "aws_iam_role.arn": () => `arn:aws:iam::${account}:role/${name("name")}`,
      "aws_iam_policy.arn": () => `arn:aws:iam::${account}:policy/${name("name")}`,
      "alicloud_account.id": () => account,
      "alicloud_kms_key.id": () => uuid,
      "alicloud_ess_scaling_group.id": () => `asg-${uuid.slice(0, 8)}`,
    };
    const value = values[kind];
    if (value === undefined) throw new Error(`nobody says what \${${reference}} is once it is applied`);
    return value();
  }
}

function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}
