import { Token } from "cdktf";
import { PlatformCheck } from "../platform";
import { isExpression, nameProblems } from "../text";
import { SecretsManagerProps, secretsManagerProblems } from "./secrets-manager-props";

/** All that AWS refuses in a part's props. */
export function partProblems(check: PlatformCheck, region: string): string[] {
  return [
    ...gatewayNameProblems(check.name),
    ...valueProblems("instanceType", check.instanceType, /^[a-z0-9-]+\.[a-z0-9-]+$/, 'an instance type such as "c7i.large"'),
    ...valueProblems("imageId", check.imageId, IMAGE, 'an image such as "ami-0123456789abcdef0" or "resolve:ssm:/path/of/a/parameter"'),
    ...certificateProblems(check.certificateId, region),
    ...retentionProblems(check.logRetentionDays),
  ];
}

/** The problems of the platform's own props. */
export function platformProblems(props: {
  readonly region: string;
  readonly accountId?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly secrets?: SecretsManagerProps;
  readonly accessLogsBucket?: string;
  readonly logKeyArn?: string;
}): string[] {
  return [
    ...valueProblems("region", props.region, /^[a-z]{2}(-[a-z]+)+-\d$/, 'a region of AWS such as "eu-central-1"'),
    ...valueProblems("accountId", props.accountId, /^\d{12}$/, "the 12 digits of an account"),
    ...Object.entries(props.tags ?? {}).flatMap(([key, value]) => tagProblems(key, value)),
    ...valueProblems("accessLogsBucket", props.accessLogsBucket, BUCKET, "the name of a bucket"),
    ...valueProblems("logKeyArn", props.logKeyArn, KEY_ARN, "the ARN of a KMS key"),
    ...secretsManagerProblems(props.secrets ?? {}, props.region),
  ];
}

const IMAGE = /^(ami-[0-9a-f]+|resolve:ssm:[\w./-]+(:[\w.-]+)?)$/;
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
export const KEY_ARN = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/;
const CERTIFICATE = /^arn:aws[a-z-]*:acm:([a-z0-9-]+):\d{12}:certificate\/[0-9a-f-]+$/;

/** @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/** What is made from the name is longer by up to 39 characters, and the tightest limit is a bucket's 63. */
function gatewayNameProblems(name: string): string[] {
  const pattern = isExpression(name) ? /^[a-z](-?[a-z0-9]){0,23}$/ : /^(?=.{3,24}$)[a-z](-?[a-z0-9])+$/;
  return nameProblems(
    "name",
    name,
    pattern,
    "3 to 24 lower-case letters, digits and single hyphens that start with a letter and do not end in a hyphen",
  );
}

function certificateProblems(certificateId: string | undefined, region: string): string[] {
  const certificateRegion = CERTIFICATE.exec(certificateId ?? "")?.[1];
  return [
    ...valueProblems("certificate", certificateId, CERTIFICATE, "the ARN of a certificate in AWS Certificate Manager"),
    ...(certificateRegion !== undefined && certificateRegion !== region && !isExpression(region)
      ? [`certificate: it lies in ${certificateRegion}; the balancer takes only one of its own region, ${region}`]
      : []),
  ];
}

function retentionProblems(days: number | undefined): string[] {
  if (days === undefined || Token.isUnresolved(days) || RETENTION_DAYS.includes(days)) return [];
  return [`logRetention: ${days} days is not a time that CloudWatch keeps logs for (${RETENTION_DAYS.join(", ")} days)`];
}

function tagProblems(key: string, value: string): string[] {
  const allowed = "letters, digits, spaces and _ . : / = + - @";
  return [
    ...nameProblems("tags", key, /^(?!aws:)[\p{L}\p{N} _.:/=+@-]{1,128}$/u, `a tag's key: ${allowed}, not starting with aws:`),
    ...nameProblems(`tags.${key}`, value, /^[\p{L}\p{N} _.:/=+@-]{0,256}$/u, `a tag's value: ${allowed}`),
  ];
}

/** The problem of a value that is either known now, or known only to Terraform. */
function valueProblems(prop: string, value: string | undefined, pattern: RegExp, allowed: string): string[] {
  return nameProblems(prop, value, pattern, allowed);
}
