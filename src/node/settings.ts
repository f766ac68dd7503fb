import { IDatabase, IRedis } from "../backing-services";
import { GatewayModel } from "../litellm/gateway-model";
import { ADMIN_ROUTES, AGENT_ROUTES } from "../litellm/routes";
import { SecretSpec, SecretStoreSettings } from "../secret-store";

/** The port on which a node serves agents. */
export const AGENTS_PORT = 4000;
/** The port on which a node serves those who administer keys. */
export const ADMIN_PORT = 4001;

/** What the settings of a gateway's nodes are made of. */
export interface NodeSettingsProps {
  readonly name: string;
  readonly cloud: string;
  readonly region: string;
  readonly model: GatewayModel;
  readonly store: SecretStoreSettings;
  readonly secrets: readonly SecretSpec[];
  readonly environment: Readonly<Record<string, string>>;
  readonly database: IDatabase;
  readonly redis: IRedis;
  readonly log: Readonly<Record<string, string>>;
  readonly refreshIntervalSeconds: number;
}

/** The settings document that a node reads beside its bundle; it names secrets and holds none. */
export function nodeSettings(props: NodeSettingsProps): object {
  const { model } = props;
  return {
    version: 1,
    name: props.name,
    cloud: props.cloud,
    region: props.region,
    store: props.store,
    secrets: props.secrets,
    environment: props.environment,
    database: { host: props.database.host, port: props.database.port, name: props.database.database },
    redis: { host: props.redis.host, port: props.redis.port, tls: props.redis.tls },
    ports: { agents: AGENTS_PORT, admin: ADMIN_PORT },
    routes: { agents: AGENT_ROUTES, admin: ADMIN_ROUTES },
    log: props.log,
    refreshIntervalSeconds: props.refreshIntervalSeconds,
    timezone: model.timezone,
    defaultModel: model.defaultModel,
    limits: { rpm: model.rpmLimit, providers: providerLimits(model) },
  };
}

function providerLimits(model: GatewayModel): object {
  const limited = model.providers.filter(({ props }) => props.rpmLimit !== undefined || props.tpmLimit !== undefined);
  return Object.fromEntries(limited.map(({ name, props }) => [name, { rpm: props.rpmLimit, tpm: props.tpmLimit }]));
}
