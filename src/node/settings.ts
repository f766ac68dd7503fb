import { IDatabase, IRedis } from "../backing-services";
import { GatewayModel } from "../litellm/gateway-model";
import { ADMIN_ROUTES, AGENT_ROUTES } from "../litellm/routes";
import { LONGEST_CALL_SECONDS } from "../litellm/routing";
import { SecretSpec, SecretStore } from "../secret-store";
import { storeNames } from "../secrets-document";
import { extraParametersByRoute, InstallProps } from "./install-props";

/** The port on which a node serves agents. */
export const AGENTS_PORT = 4000;
/** The port on which a node serves those who administer keys. */
export const ADMIN_PORT = 4001;

/** The secrets of a gateway, by what they are for. */
export interface NodeSecrets {
  /** Where all those lie that do not lie elsewhere. */
  readonly store: SecretStore;
  readonly secrets: readonly SecretSpec[];
  readonly databaseSecret?: SecretSpec;
  readonly redisSecret?: SecretSpec;
}

/** What nodes that make the agents' keys must know. */
export interface NodeProvisioning {
  /** The object that says which keys there should be, and the bucket that it lies in. */
  readonly bucket: string;
  readonly key: string;
  /** What the names of the agents' secrets begin with. */
  readonly secrets: string;
  readonly intervalSeconds: number;
  /** The key of secrets that the nodes make themselves, in a store that Terraform makes none in. */
  readonly encryptionKeyId?: string;
}

/** Longer than the balancer keeps a silent connection: it must be the balancer that closes it, or it answers 502. */
const KEEP_ALIVE_SECONDS = LONGEST_CALL_SECONDS + 20;

/** What the settings of a gateway's nodes are made of. */
export interface NodeSettingsProps {
  readonly name: string;
  readonly cloud: string;
  readonly region: string;
  readonly model: GatewayModel;
  readonly secrets: NodeSecrets;
  readonly environment: Readonly<Record<string, string>>;
  readonly database: IDatabase;
  readonly redis: IRedis;
  readonly log: Readonly<Record<string, string>>;
  /** The scaling group that waits for the node; absent for nodes that nothing waits for. */
  readonly launch?: Readonly<Record<string, string | number>>;
  readonly refreshIntervalSeconds: number;
  readonly limitsWithoutRedis: "refuse" | "serve";
  readonly whenLogIsFull: "refuse" | "serve";
  readonly install: InstallProps;
  readonly workers?: number;
  readonly maxRequestMib: number;
  readonly maxWaiting: number;
}

/** The settings document that a node reads beside its bundle; it names secrets and holds none. */
export function nodeSettings(props: NodeSettingsProps): object {
  const { model, secrets } = props;
  const others = storeNames(
    props.name,
    secrets.secrets.filter(({ store }) => store !== secrets.store),
  );
  return {
    version: 1,
    name: props.name,
    cloud: props.cloud,
    region: props.region,
    store: secrets.store.settings(props.name),
    stores: others.size === 0 ? undefined : Object.fromEntries([...others].map(([store, name]) => [name, store.settings(props.name)])),
    secrets: secrets.secrets.map(({ name, store, fields }) => ({ name, store: others.get(store), fields })),
    environment: props.environment,
    database: databaseSettings(props.database, secrets.databaseSecret?.name),
    redis: { host: props.redis.host, port: props.redis.port, tls: props.redis.tls, secret: secrets.redisSecret?.name },
    ports: { agents: AGENTS_PORT, admin: ADMIN_PORT },
    routes: { agents: AGENT_ROUTES, admin: ADMIN_ROUTES },
    log: props.log,
    launch: props.launch,
    requestLog: { prompts: model.logPrompts, whenFull: props.whenLogIsFull },
    refreshIntervalSeconds: props.refreshIntervalSeconds,
    timezone: model.timezone,
    workers: props.workers,
    defaultModel: model.defaultModel,
    limits: {
      longestRequestSeconds: model.routing.timeout?.toSeconds() ?? LONGEST_CALL_SECONDS,
      keepAliveSeconds: KEEP_ALIVE_SECONDS,
      withoutRedis: props.limitsWithoutRedis,
      maxRequestMib: props.maxRequestMib,
      maxWaiting: props.maxWaiting,
    },
    cacheShared: model.cacheShared,
    extraParameters: extraParametersByRoute(props.install),
    openedIds: props.install.openedIds,
    install: {
      pythonIndex: props.install.pythonIndex,
      engineMirror: props.install.engineMirror,
      containerImage: props.install.containerImage,
    },
    fleetLimits: { rpm: model.rpmLimit, providers: providerLimits(model) },
  };
}

function databaseSettings(database: IDatabase, secret: string | undefined): object {
  return {
    host: database.host,
    port: database.port,
    name: database.database,
    user: database.user,
    secret,
    field: database.secretField === "" ? undefined : database.secretField,
    sslMode: "require",
  };
}

function providerLimits(model: GatewayModel): object {
  const limited = model.providers.filter(({ props }) => props.rpmLimit !== undefined || props.tpmLimit !== undefined);
  return Object.fromEntries(limited.map(({ name, props }) => [name, { rpm: props.rpmLimit, tpm: props.tpmLimit }]));
}
