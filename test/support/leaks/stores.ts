import { MotoCloud } from "../moto";
import { jsonAws } from "../moto/aws-request";
import { runnerOnMoto } from "../runner";
import { KmsDouble } from "../secret-stores/alicloud-kms";
import { VaultDouble } from "../secret-stores/vault";
import { Canaries } from "./canaries";

/** A store of secrets, as those see it who use neither Terraform nor the command. */
export interface LeakStore {
  /** What the environment of Terraform and of the command must be to reach it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Puts a value in. */
  hold(name: string, text: string): Promise<void>;
  /** The values that lie there, every version's. */
  values(): Promise<{ readonly name: string; readonly value: string }[]>;
}

/** Moto takes any credentials, so these are canaries too. */
export function secretsManager(moto: MotoCloud, canaries: Canaries): LeakStore {
  const ask = (action: string, parameters: object) => jsonAws(moto.signer("secretsmanager"), `secretsmanager.${action}`, parameters);
  return {
    environment: {
      ...runnerOnMoto(moto),
      AWS_SECRET_ACCESS_KEY: canaries.into("environment: AWS_SECRET_ACCESS_KEY"),
      AWS_SESSION_TOKEN: canaries.into("environment: AWS_SESSION_TOKEN"),
    },
    hold: async (name, text) => {
      await ask("CreateSecret", { Name: name, SecretString: text });
    },
    values: async () => {
      const { SecretList } = (await ask("ListSecrets", { MaxResults: 100 })) as { SecretList: { Name: string }[] };
      const versions = SecretList.map(async ({ Name: name }) => {
        const { Versions } = (await ask("ListSecretVersionIds", { SecretId: name })) as { Versions: { VersionId: string }[] };
        const values = Versions.map(({ VersionId }) => ask("GetSecretValue", { SecretId: name, VersionId }));
        return (await Promise.all(values)).map((reply) => ({ name, value: (reply as { SecretString: string }).SecretString }));
      });
      return (await Promise.all(versions)).flat();
    },
  };
}

/** @param runner what leads the command to the double */
export function alicloudKms(kms: KmsDouble, runner: Readonly<Record<string, string>>, canaries: Canaries): LeakStore {
  canaries.known("environment: ALIBABA_CLOUD_ACCESS_KEY_SECRET", runner.ALIBABA_CLOUD_ACCESS_KEY_SECRET!);
  return {
    environment: { ...runner, ALICLOUD_SECRET_KEY: canaries.into("environment: ALICLOUD_SECRET_KEY") },
    hold: (name, text) => {
      kms.secrets.set(name, { versions: [{ id: "by-hand", text, made: new Date(), stages: new Set(["ACSCurrent"]) }] });
      return Promise.resolve();
    },
    values: () => Promise.resolve([...kms.secrets].flatMap(([name, { versions }]) => versions.map(({ text }) => ({ name, value: text })))),
  };
}

export function vaultKv(vault: VaultDouble, canaries: Canaries): LeakStore {
  canaries.known("environment: VAULT_TOKEN", vault.token);
  return {
    environment: { VAULT_TOKEN: vault.token },
    hold: (name, text) => {
      vault.secrets.set(name, [{ data: { value: text }, made: new Date() }]);
      return Promise.resolve();
    },
    values: () =>
      Promise.resolve(
        [...vault.secrets].flatMap(([name, versions]) =>
          versions.flatMap(({ data }) => Object.values(data).map((value) => ({ name, value: String(value) }))),
        ),
      ),
  };
}
