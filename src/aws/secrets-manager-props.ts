import { wholeNumberProblems } from "../limits";
import { nameProblems } from "../text";

/** How a gateway's secrets are kept in AWS Secrets Manager. */
export interface SecretsManagerProps {
  /**
   * How many days a deleted secret can be brought back, 7 to 30. With `removal: "destroy"` it is gone at once.
   * @default 30
   */
  readonly recoveryWindowDays?: number;
  /**
   * The ARNs of roles that may read and write values beside the gateway's own readers; name the role that applies the stack
   * if it sets values. Every other one is refused by the secrets' own policy, whatever IAM allows it.
   * @default - no such policy: IAM alone decides
   */
  readonly administrators?: readonly string[];
  /**
   * Secrets whose values Terraform writes, by their names below the gateway's, each with a number that is raised when the
   * value changes. The value comes in by the ephemeral variable `<gateway>_<secret>` and is in no state and no plan.
   * Needs Terraform 1.11; whoever applies reads the value at every refresh.
   * @default - none: values are put by `cdktf-ai-gateway secrets put`
   * @example { openai: 1 }
   */
  readonly writeOnly?: Readonly<Record<string, number>>;
  /**
   * Regions that get a copy of each secret, encrypted by their own default key.
   * @default - none
   */
  readonly replicaRegions?: readonly string[];
}

/** All that is wrong with these props, as `secrets.` of the platform. */
export function secretsManagerProblems(props: SecretsManagerProps, region: string): string[] {
  const { recoveryWindowDays: days, administrators = [], replicaRegions = [], writeOnly = {} } = props;
  return [
    ...wholeNumberProblems("secrets.recoveryWindowDays", days, 7, 30),
    ...Object.entries(writeOnly).flatMap(([name, version]) => wholeNumberProblems(`secrets.writeOnly.${name}`, version)),
    ...administrators.flatMap((arn, index) =>
      nameProblems(`secrets.administrators[${index}]`, arn, ROLE_ARN, 'the ARN of a role such as "arn:aws:iam::123456789012:role/apply"'),
    ),
    ...replicaRegions.flatMap((other, index) => [
      ...nameProblems(`secrets.replicaRegions[${index}]`, other, /^[a-z]{2}(-[a-z]+)+-\d$/, 'a region of AWS such as "eu-west-1"'),
      ...(other === region ? [`secrets.replicaRegions[${index}]: ${JSON.stringify(other)} is the secrets' own region`] : []),
    ]),
  ];
}

const ROLE_ARN = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/;
