/** What the name of a secret says that is an ARN. */
export interface SecretArn {
  readonly region: string;
  readonly account: string;
}

const ARN = /^(?:arn:aws[a-z-]*:secretsmanager|acs:kms):([^:]*):([^:]*):/;

/** Undefined for a plain name. */
export function secretArn(name: string): SecretArn | undefined {
  const [, region, account] = ARN.exec(name) ?? [];
  return region === undefined || account === undefined ? undefined : { region, account };
}

/** What a refusal may come from, where a secret is named by its ARN. */
export function ofAnotherAccount(name: string): string {
  const arn = secretArn(name);
  return arn === undefined
    ? ""
    : `; if account ${arn.account} is not the caller's, the policies of the secret and of its key must allow it too`;
}

/** What is to be done about a secret that is not there. */
export function notMadeHere(name: string): string | undefined {
  const arn = secretArn(name);
  return (
    arn &&
    `there is no such secret in account ${arn.account}, or the caller may not know of it; one that is named by its ARN is made there, not here`
  );
}
