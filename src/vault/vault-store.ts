import { ITerraformDependable, TerraformProvider } from "cdktf";
import { Construct } from "constructs";
import { IAccessRole } from "../access";
import { ConfigError } from "../errors";
import { ReadGrant, SecretStore, VaultStoreSettings, WriteGrant } from "../secret-store";
import { nameProblems } from "../text";
import { storeProblems } from "./problems";
import { bindProvider } from "./provider";
import { VaultAuth } from "./vault-auth";
import { VaultReadGrant } from "./vault-read-grant";

/** Which Vault a gateway's secrets lie in. */
export interface VaultStoreProps {
  /** Vault's address as nodes reach it, such as "https://vault.corp.example:8200"; plain http for a loopback only. */
  readonly address: string;
  /**
   * The path at which the KV engine, version 2, is mounted.
   * @default "secret"
   */
  readonly mount?: string;
  /**
   * The namespace of Vault Enterprise, from the root on. It lies in that of the `VaultProvider`, where that has one.
   * @default - the root
   */
  readonly namespace?: string;
  /**
   * The PEM of the private authorities that Vault's certificate is from: the text, not a file's path.
   * @default - the authorities that a node's system trusts
   */
  readonly caCertificate?: string;
  /** How nodes log in. */
  readonly auth: VaultAuth;
  /**
   * A `VaultProvider` with an alias.
   * @default - the stack's `VaultProvider` without an alias
   */
  readonly provider?: TerraformProvider;
}

/**
 * A KV engine, version 2, of HashiCorp Vault, for a gateway on either cloud.
 *
 * Terraform makes, for each reader, a policy that reads exactly its secrets and a role that only the reader's own cloud
 * role can log in with. It reads and writes no secret; engine, auth method and values are the operator's.
 * @throws ConfigError when a prop is not one that Vault takes
 */
export class VaultStore implements SecretStore {
  private readonly readers = new Map<IAccessRole, VaultReadGrant>();

  constructor(private readonly props: VaultStoreProps) {
    ConfigError.throwIfAny("VaultStore", storeProblems(props));
  }

  public settings(gateway: string): VaultStoreSettings {
    const { address, mount = "secret", namespace, caCertificate, auth } = this.props;
    return { kind: "vault", address, mount, namespace, caCertificate, auth: auth.settings(gateway) };
  }

  public nameProblems(prop: string, name: string): string[] {
    return nameProblems(
      prop,
      name,
      SECRET_NAME,
      "a path in Vault of 1 to 512 letters, digits and _ . = @ ! -, with single / between its parts",
    );
  }

  public keyProblems(prop: string, id: string): string[] {
    return [`${prop}: ${JSON.stringify(id)} can not encrypt what lies in Vault, which has keys of its own; leave it out`];
  }

  /** Vault encrypts with keys of its own. */
  public key(): undefined {
    return undefined;
  }

  /** Nothing is made: a secret of Vault is there once it has a value. */
  public declare(): ReadonlyMap<string, ITerraformDependable> {
    return new Map();
  }

  /** @throws ConfigError when the stack has no provider of Vault, or the role's name is taken by another reader */
  public grantRead(scope: Construct, id: string, grant: ReadGrant): void {
    if (grant.names.length === 0) return;
    const settings = this.settings(grant.gateway);
    const { provider, auth } = this.props;
    const namespace = bindProvider(scope, settings, provider);
    this.readers.set(grant.reader, new VaultReadGrant(scope, id, { grant, settings, tokenTtl: auth.tokenTtl, namespace, provider }));
  }

  /** @throws Error when the writer has no role in this Vault yet, which comes with what it reads there */
  public grantWrite(_scope: Construct, _id: string, grant: WriteGrant): void {
    const reader = this.readers.get(grant.writer);
    if (reader === undefined) throw new Error(`${grant.writer.node.path} reads nothing of this Vault, and so has no role in it`);
    reader.allowWriting(grant);
  }
}

/**
 * Less than KV takes: * and + are wildcards in a policy, and a path's "." and ".." are not what they seem to be.
 * @see https://developer.hashicorp.com/vault/docs/concepts/policies#policy-syntax
 */
const SECRET_NAME = /^(?=.{1,512}$)(?!(.*\/)?\.{1,2}(\/|$))[A-Za-z0-9_.=@!-]+(\/[A-Za-z0-9_.=@!-]+)*$/;
