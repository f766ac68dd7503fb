import type { LocalGateway } from "../../src/cli/local/local-gateway";
import type { SecretStoreSettings } from "../../src/secret-store";
import type { SecretsDocument } from "../../src/secrets-document";
import { KmsDouble } from "../../test/support/secret-stores/alicloud-kms";
import { VaultDouble } from "../../test/support/secret-stores/vault";

/** A store that holds the master key and takes the agents' keys. */
export interface BenchStore {
  readonly url: string;
  /** By which the command finds it, at another address where one is given. */
  environment(url?: string): Readonly<Record<string, string>>;
  /** Whether a call changes something. */
  isWrite(call: string): boolean;
  stop(): Promise<void>;
}

/** What `--store` names. */
export const STORES: Readonly<Record<string, (gateway: LocalGateway) => Promise<BenchStore>>> = {
  vault: vaultStore,
  aws: secretsManager,
  alicloud: kms,
};

const DOCUMENT = "AIGW_SECRETS";
const SECRETS_MANAGER = "AWS_ENDPOINT_URL_SECRETS_MANAGER";

async function vaultStore(gateway: LocalGateway): Promise<BenchStore> {
  const vault = new VaultDouble();
  await vault.start();
  vault.secrets.set(`${gateway.name}/master-key`, [{ data: { value: gateway.masterKey }, made: new Date() }]);
  const settings = (address: string): SecretStoreSettings => ({
    kind: "vault",
    address,
    mount: "secret",
    auth: { method: "aws", mount: "aws", role: "bench" },
  });
  return {
    url: vault.url,
    environment: (url = vault.url) => ({ ...inStore(gateway, settings(url)), VAULT_TOKEN: vault.token }),
    isWrite: (call) => !call.startsWith("GET "),
    stop: () => vault.stop(),
  };
}

async function kms(gateway: LocalGateway): Promise<BenchStore> {
  const double = new KmsDouble();
  await double.start();
  const version = { id: "first", text: gateway.masterKey, made: new Date(), stages: new Set(["ACSCurrent"]) };
  double.secrets.set(`${gateway.name}/master-key`, { versions: [version] });
  const environment = { ...inStore(gateway, { kind: "alicloud-kms", region: "cn-shanghai" }), ...double.environment };
  return {
    url: double.url,
    environment: (url = double.url) => ({ ...environment, AIGW_KMS_ENDPOINT: url }),
    isWrite: isWriteOfCloud,
    stop: () => double.stop(),
  };
}

/** The local gateway's own. */
function secretsManager({ command: { environment } }: LocalGateway): Promise<BenchStore> {
  const own = environment[SECRETS_MANAGER]!;
  return Promise.resolve({
    url: own,
    environment: (url = own) => ({ ...environment, [SECRETS_MANAGER]: url }),
    isWrite: isWriteOfCloud,
    stop: () => Promise.resolve(),
  });
}

const isWriteOfCloud = (call: string): boolean => !/^(Get|Describe|List)/.test(call);

/** What the command is told of the local gateway, with all of its secrets in another store. */
function inStore({ command: { environment } }: LocalGateway, settings: SecretStoreSettings): Readonly<Record<string, string>> {
  const document = JSON.parse(environment[DOCUMENT]!) as SecretsDocument;
  const stores = Object.fromEntries(Object.keys(document.stores).map((name) => [name, settings]));
  return { ...environment, [DOCUMENT]: JSON.stringify({ ...document, stores }) };
}
