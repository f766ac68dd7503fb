import { nameProblems } from "./text";

/** A private subnet of the gateway's network. */
export interface Subnet {
  /** The cloud's id: a subnet of AWS, a vSwitch of Alibaba Cloud. */
  readonly id: string;
  /** The zone that it lies in, such as "cn-shanghai-l". */
  readonly zone: string;
  /**
   * Its address range, from which Alibaba's balancer reaches the nodes; give it where the account must not be read at plan time.
   * @default - looked up by Terraform, where it is needed
   */
  readonly cidr?: string;
}

/** An existing network to import. */
export interface NetworkProps {
  readonly vpcId: string;
  /** At least two subnets in two zones, with a way out to the providers (NAT) that is not the gateway's to make. */
  readonly subnets: readonly Subnet[];
  /**
   * The VPC's address range; give it where the account's data must not be read at plan time.
   * @default - looked up by Terraform
   */
  readonly cidr?: string;
}

/** The network that a gateway lives in. */
export interface INetwork {
  readonly vpcId: string;
  readonly subnets: readonly Subnet[];
  /** Undefined: to be looked up. */
  readonly cidr?: string;
}

/** Networks are made elsewhere and come in by their ids. */
export abstract class Network {
  /** An existing network; what is wrong with it is said by the construct that uses it. */
  public static fromIds(props: NetworkProps): INetwork {
    return props;
  }
}

/** The first subnet of each zone: a balancer takes no two of one. */
export function onePerZone(subnets: readonly Subnet[]): Subnet[] {
  return subnets.filter(({ zone }, index) => subnets.findIndex((other) => other.zone === zone) === index);
}

/** All that is wrong with a network. */
export function networkProblems(prop: string, network: INetwork): string[] {
  const zones = new Set(network.subnets.map((subnet) => subnet.zone));
  return [
    ...nameProblems(`${prop}.vpcId`, network.vpcId, /^[A-Za-z0-9-]+$/, "the id of a VPC"),
    ...network.subnets.flatMap((subnet, index) => [
      ...nameProblems(`${prop}.subnets[${index}].id`, subnet.id, /^[A-Za-z0-9-]+$/, "the id of a subnet"),
      ...nameProblems(`${prop}.subnets[${index}].zone`, subnet.zone, /^[a-z0-9-]+$/, "the name of a zone"),
    ]),
    ...(zones.size >= 2
      ? []
      : [`${prop}.subnets: ${[...zones].join(", ") || "no zone"} is not at least two zones; a gateway outlives the loss of one`]),
    ...network.subnets.flatMap(({ cidr }, index) => cidrProblems(`${prop}.subnets[${index}].cidr`, cidr === undefined ? [] : [cidr])),
    ...cidrProblems(`${prop}.cidr`, network.cidr === undefined ? [] : [network.cidr]),
  ];
}

/** No private network is wider than 10.0.0.0/8. */
const WIDEST_INGRESS = 8;

/** The problems of address ranges that are let in: not one, or the whole world. */
export function ingressProblems(prop: string, cidrs: readonly string[]): string[] {
  return [
    ...cidrProblems(prop, cidrs),
    ...cidrs
      .filter((cidr) => Number(/\/(\d+)$/.exec(cidr)?.[1]) < WIDEST_INGRESS)
      .map((cidr) => `${prop}: "${cidr}" is the whole world, or a good part of it; a private gateway lets in ranges of its own network`),
  ];
}

/** The problems of address ranges. */
export function cidrProblems(prop: string, cidrs: readonly string[]): string[] {
  return cidrs.flatMap((cidr) =>
    nameProblems(
      prop,
      cidr,
      /^((25[0-5]|2[0-4]\d|1?\d?\d)(\.(?!$)|(?=\/))){4}\/([0-9]|[12]\d|3[0-2])$/,
      'an IPv4 address range such as "10.0.0.0/16"',
    ),
  );
}
