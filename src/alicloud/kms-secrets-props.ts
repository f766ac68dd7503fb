import { wholeNumberProblems } from "../limits";
import { nameProblems } from "../text";

/** How a gateway's secrets are kept in KMS. */
export interface KmsSecretsProps {
  /**
   * Who sets the values of the providers' secrets. "names": whoever has them, in KMS itself; Terraform knows names only.
   * "terraform": Terraform makes the secrets, from the sensitive variables `<gateway>_<secret>`; **their values are then in
   * the state**, which the provider (1.289) has no way around, and synthesis warns of it.
   * @default "names"
   */
  readonly management?: "names" | "terraform";
  /**
   * With "terraform": the version of a value, by the secret's name below the gateway's; a changed value needs a new one.
   * @default - "v1" for each
   */
  readonly versionIds?: Readonly<Record<string, string>>;
  /**
   * With "terraform": how many days a deleted secret can be brought back, 7 to 30. With `removal: "destroy"` it is gone at once.
   * @default 30
   */
  readonly recoveryWindowDays?: number;
}

/** All that is wrong with these props, as `secrets.` of the platform. */
export function kmsSecretsProblems({ management = "names", versionIds = {}, recoveryWindowDays: days }: KmsSecretsProps): string[] {
  const only = (prop: string, value: unknown): string[] =>
    management === "names" && value !== undefined ? [`secrets.${prop}: has no use without management: "terraform"`] : [];
  return [
    ...(["names", "terraform"].includes(management)
      ? []
      : [`secrets.management: ${JSON.stringify(management)} is not "names" or "terraform"`]),
    ...only("recoveryWindowDays", days),
    ...Object.entries(versionIds).flatMap(([name, version]) => [
      ...only(`versionIds.${name}`, version),
      ...nameProblems(
        `secrets.versionIds.${name}`,
        version,
        /^[A-Za-z0-9_/+=.@-]{1,64}$/,
        "a version of 1 to 64 letters, digits and _ / + = . @ -",
      ),
    ]),
    ...wholeNumberProblems("secrets.recoveryWindowDays", days, 7, 30),
  ];
}
