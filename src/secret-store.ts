import { Construct } from "constructs";
import { AccessStatement } from "./access";
import { Removal } from "./removal";

/** One field of a secret's value, and the environment variable in which a node's process keeps it. */
export interface SecretField {
  /** Absent: the whole value is the field. */
  readonly field?: string;
  readonly environment: string;
}

/** A secret as all but its value. */
export interface SecretSpec {
  /** The full name in the store; may hold expressions of Terraform. */
  readonly name: string;
  /** What it is for, in a few words. */
  readonly purpose: string;
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

/** Where a node and the command find the store. */
export interface SecretStoreSettings {
  readonly kind: "aws-secrets-manager" | "alicloud-kms";
  readonly region: string;
}

/** A service that keeps secrets. Terraform knows the names in it, never the values. */
export interface SecretStore {
  readonly settings: SecretStoreSettings;
  /** The problem of a secret's name in this store. */
  nameProblems(prop: string, name: string): string[];
  /** The problem of an existing key's id, where the user brings one. */
  keyProblems(prop: string, id: string): string[];
  /** Makes the key that encrypts the secrets. */
  key(scope: Construct, id: string, spec: SecretKeySpec): SecretKey;
  /** Reading exactly these secrets, and decrypting with exactly this key. */
  readStatements(scope: Construct, names: readonly string[], key: SecretKey): AccessStatement[];
}
