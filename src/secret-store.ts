import { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { IAccessRole } from "./access";
import { Removal } from "./removal";

/** One field of a secret's value, and the environment variable in which a node's process keeps it. */
export interface SecretField {
  /** Absent: the whole value is the field. */
  readonly field?: string;
  readonly environment: string;
}

/** Who sets a secret's value: a person, or the gateway, whose values the command mints. */
export type SecretOwner = "user" | "gateway";

/** A secret as all but its value. */
export interface SecretSpec {
  /** The full name in the store; may hold expressions of Terraform. */
  readonly name: string;
  /** What it is for, in a few words. */
  readonly purpose: string;
  readonly owner: SecretOwner;
  /** Whether a node takes it over at its start only; a provider's key it takes over at every refresh. */
  readonly takenAtStart: boolean;
  /** The store that it lies in. */
  readonly store: SecretStore;
  readonly fields: readonly SecretField[];
}

/** The key that encrypts a gateway's secrets. */
export interface SecretKey {
  /** The cloud's id: an ARN on AWS, a key id on Alibaba Cloud. */
  readonly id: string;
}

/** What {@link SecretStore.key} makes. */
export interface SecretKeySpec {
  /** The gateway's name; the key's alias is made from it. */
  readonly name: string;
  readonly removal: Removal;
}

/** Where a node and the command find a store. */
export type SecretStoreSettings = CloudStoreSettings | VaultStoreSettings;

/** The secret store of a cloud. */
export interface CloudStoreSettings {
  readonly kind: "aws-secrets-manager" | "alicloud-kms";
  readonly region: string;
  /** Alibaba Cloud: the KMS instance that new secrets are made in; absent: the account's shared KMS. */
  readonly kmsInstance?: string;
}

/** A KV engine, version 2, of a HashiCorp Vault. */
export interface VaultStoreSettings {
  readonly kind: "vault";
  readonly address: string;
  /** The path at which the engine is mounted. */
  readonly mount: string;
  readonly namespace?: string;
  /** The PEM of a private authority. */
  readonly caCertificate?: string;
  /** How a node logs in: by the role of its cloud. */
  readonly auth: {
    readonly method: "aws" | "alicloud";
    readonly mount: string;
    readonly role: string;
    /** Vault's `iam_server_id_header_value`. */
    readonly serverId?: string;
  };
}

/** What {@link SecretStore.declare} makes. */
export interface DeclaredSecretsSpec {
  /** The gateway's name. */
  readonly gateway: string;
  /** The secrets that are the gateway's own, in this store. */
  readonly secrets: readonly Pick<SecretSpec, "name" | "purpose" | "owner">[];
  readonly key?: SecretKey;
  readonly removal: Removal;
  /** Who may read one of them, by its name; asked at synthesis, when all grants are there. */
  readonly readers: (name: string) => readonly IAccessRole[];
  /** Whether they are beside those of the nodes, such as the agents' keys, whose values none but the command sets. */
  readonly isFurther?: boolean;
}

/** What {@link SecretStore.grantRead} allows. */
export interface ReadGrant {
  /** The gateway's name. */
  readonly gateway: string;
  readonly names: readonly string[];
  readonly key?: SecretKey;
  readonly reader: IAccessRole;
}

/** What {@link SecretStore.grantWrite} allows. */
export interface WriteGrant {
  /** The gateway's name. */
  readonly gateway: string;
  /** What the names of the secrets begin with, up to and with a "/"; no further "/" follows in them. */
  readonly below: string;
  readonly key?: SecretKey;
  readonly writer: IAccessRole;
}

/** A service that keeps secrets. Terraform knows the names in it, never the values. */
export interface SecretStore {
  /** Where a node of the gateway finds it. */
  settings(gateway: string): SecretStoreSettings;
  /** The problem of a secret's name in this store. */
  nameProblems(prop: string, name: string): string[];
  /** The problem of an existing key's id, where the user brings one. */
  keyProblems(prop: string, id: string): string[];
  /** Makes the key that encrypts the secrets; undefined where the store has none of ours. */
  key(scope: Construct, id: string, spec: SecretKeySpec): SecretKey | undefined;
  /** Makes the secrets without their values, as far as Terraform can do that without ever seeing one; what it made, by names. */
  declare(scope: Construct, id: string, spec: DeclaredSecretsSpec): ReadonlyMap<string, ITerraformDependable>;
  /** Lets a role read exactly these secrets, and decrypt with exactly this key. */
  grantRead(scope: Construct, id: string, grant: ReadGrant): void;
  /**
   * Lets a role that reads secrets of this store already write those below a name, too, and no others; and make them, where
   * Terraform does not.
   */
  grantWrite(scope: Construct, id: string, grant: WriteGrant): void;
}
