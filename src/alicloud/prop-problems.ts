import { wholeNumberProblems } from "../limits";
import { PlatformCheck } from "../platform";
import { nameProblems } from "../text";
import { KmsSecretsProps, kmsSecretsProblems } from "./kms-secrets-props";

/** All that Alibaba Cloud refuses in a part's props. */
export function propProblems({ name, instanceType, imageId, certificateId, logRetentionDays }: PlatformCheck): string[] {
  return [
    ...nameProblems(
      "name",
      name,
      NAME,
      "a name of 3 to 24 lower-case letters, digits and hyphens that starts with a letter and ends with none of the hyphens",
    ),
    ...nameProblems("instanceType", instanceType, /^ecs\.[a-z0-9.-]+$/, 'a type of ECS instance, such as "ecs.c7.large"'),
    ...nameProblems(
      "imageId",
      imageId,
      IMAGE,
      'the id of an ECS image, such as "m-bp1abc…" or "ubuntu_24_04_x64_20G_alibase_20250101.vhd"',
    ),
    ...nameProblems(
      "certificate",
      certificateId,
      /^\d+-[a-z]+(-[a-z0-9]+)+$/,
      'a certificate as "<its id>-<region>", such as "12345-cn-hangzhou"',
    ),
    // 3,650 days is "for ever" to SLS.
    ...wholeNumberProblems("logRetention in days", logRetentionDays, 1, 3650),
  ];
}

/** All that is wrong with the platform's own props. */
export function platformProblems(props: {
  readonly region: string;
  readonly accountId?: string;
  readonly kmsInstanceId?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly secrets?: KmsSecretsProps;
}): string[] {
  return [
    ...nameProblems("region", props.region, /^[a-z]+(-[a-z0-9]+)+$/, 'a region of Alibaba Cloud such as "cn-shanghai"'),
    ...nameProblems("accountId", props.accountId, /^\d+$/, "the digits of an account's id"),
    ...nameProblems("kmsInstanceId", props.kmsInstanceId, /^kst-[A-Za-z0-9-]+$/, 'the id of a KMS instance, such as "kst-szz65f…"'),
    ...kmsSecretsProblems(props.secrets ?? {}),
    ...Object.entries(props.tags ?? {}).flatMap(([key, value]) => [
      ...nameProblems(
        "tags",
        key,
        /^(?!aliyun|acs:)[\p{L}\p{N} _.:/=+@-]{1,128}$/u,
        `a tag's key: ${TAG}, not starting with aliyun or acs:`,
      ),
      ...nameProblems(`tags.${key}`, value, /^[\p{L}\p{N} _.:/=+@-]{0,128}$/u, `a tag's value: ${TAG}`),
    ]),
  ];
}

const TAG = "letters, digits, spaces and _ . : / = + - @";

/** The bucket's name is made from it, and is the strictest that is. */
const NAME = /^[a-z][a-z0-9-]{1,22}[a-z0-9]$/;
const IMAGE = /^(m-[a-z0-9]+|[A-Za-z0-9][A-Za-z0-9_.-]*\.(vhd|qcow2|raw))$/;
