import { Duration } from "../duration";
import { VaultStoreSettings } from "../secret-store";

/** How nodes log in to Vault, whichever cloud they run on. */
export interface VaultAuthProps {
  /**
   * The path at which the auth method is mounted.
   * @default - the method's name, "aws" or "alicloud"
   */
  readonly mount?: string;
  /**
   * The name of the role that is made in Vault for the nodes, and of its policy. Gateways of one name that share a Vault,
   * such as those of two regions, need one each.
   * @default - the gateway's name
   */
  readonly role?: string;
  /**
   * How long a token lives, a whole number of seconds from 2 minutes to a day. It is never renewed: a node logs in anew.
   * @default Duration.hours(1)
   */
  readonly tokenTtl?: Duration;
}

/** How nodes on AWS log in to Vault. */
export interface VaultAwsAuthProps extends VaultAuthProps {
  /**
   * Vault's `iam_server_id_header_value`, by which it refuses a login that was meant for another Vault.
   * @default - none is sent
   */
  readonly serverId?: string;
}

/** By which of Vault's auth methods the role of a node's cloud becomes a token of Vault. */
export class VaultAuth {
  private constructor(
    /** Vault's name of the method. */
    public readonly method: VaultStoreSettings["auth"]["method"],
    public readonly props: VaultAwsAuthProps,
  ) {}

  /** The `aws` method with type iam: for a gateway on AWS. */
  public static aws(props: VaultAwsAuthProps = {}): VaultAuth {
    return new VaultAuth("aws", props);
  }

  /** The `alicloud` method: for a gateway on Alibaba Cloud. */
  public static alicloud(props: VaultAuthProps = {}): VaultAuth {
    return new VaultAuth("alicloud", props);
  }

  /** What a node of this gateway must know to log in. */
  public settings(gateway: string): VaultStoreSettings["auth"] {
    const { mount, role, serverId } = this.props;
    return { method: this.method, mount: mount ?? this.method, role: role ?? gateway, serverId };
  }

  /** How long a token lives. */
  public get tokenTtl(): Duration {
    return this.props.tokenTtl ?? Duration.hours(1);
  }
}
