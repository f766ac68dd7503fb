import { wholeNumberProblems } from "./limits";
import { nameProblems } from "./text";

/** An existing PostgreSQL database to import. */
export interface DatabaseProps {
  /** The server's host name, without a port. */
  readonly host: string;
  /** @default 5432 */
  readonly port?: number;
  /**
   * The database's name on the server.
   * @default "litellm"
   */
  readonly database?: string;
  /** @default "litellm" */
  readonly user?: string;
  /**
   * The name of the secret that holds the password, in the gateway's secret store.
   * @default - `<gateway>/database`
   */
  readonly secretName?: string;
  /**
   * The field of the secret that is the password, as in the secrets that RDS makes; "" when the whole secret is.
   * @default "password"
   */
  readonly secretField?: string;
}

/** The PostgreSQL database of a gateway: keys, spend, budgets. */
export interface IDatabase {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly secretName?: string;
  readonly secretField: string;
}

/** Databases are made elsewhere and come in by their address. */
export abstract class Database {
  public static fromEndpoint(props: DatabaseProps): IDatabase {
    return {
      ...props,
      port: props.port ?? 5432,
      database: props.database ?? "litellm",
      user: props.user ?? "litellm",
      secretField: props.secretField ?? "password",
    };
  }
}

/** An existing Redis to import. */
export interface RedisProps {
  /** The server's host name, without a port. */
  readonly host: string;
  /** @default 6379 */
  readonly port?: number;
  /**
   * Whether the connection is encrypted.
   * @default true
   */
  readonly tls?: boolean;
  /**
   * The name of the secret that is the password, in the gateway's secret store.
   * @default - `<gateway>/redis`
   */
  readonly secretName?: string;
}

/** The Redis of a gateway: counters of limits that hold over all nodes, and cached answers. */
export interface IRedis {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly secretName?: string;
}

/** Redis servers are made elsewhere and come in by their address. */
export abstract class Redis {
  public static fromEndpoint(props: RedisProps): IRedis {
    return { ...props, port: props.port ?? 6379, tls: props.tls ?? true };
  }
}

const HOST = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/;

/** All that is wrong with a database. */
export function databaseProblems(prop: string, database: IDatabase): string[] {
  return [
    ...nameProblems(`${prop}.host`, database.host, HOST, "a host name without scheme and port"),
    ...wholeNumberProblems(`${prop}.port`, database.port, 1, 65535),
    ...nameProblems(
      `${prop}.user`,
      database.user,
      /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/,
      "a name of letters, digits, _ and - that starts with a letter",
    ),
    ...nameProblems(`${prop}.secretField`, database.secretField, /^[A-Za-z0-9_-]{0,64}$/, "the name of a field"),
    ...nameProblems(
      `${prop}.database`,
      database.database,
      /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/,
      "a name of letters, digits, _ and - that starts with a letter",
    ),
  ];
}

/** All that is wrong with a Redis. */
export function redisProblems(prop: string, redis: IRedis): string[] {
  return [
    ...nameProblems(`${prop}.host`, redis.host, HOST, "a host name without scheme and port"),
    ...wholeNumberProblems(`${prop}.port`, redis.port, 1, 65535),
  ];
}
