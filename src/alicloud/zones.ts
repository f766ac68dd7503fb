import { Subnet } from "../network";
import { isExpression } from "../text";

/** A zone, and the gateway's vSwitches in it. */
export interface Zone {
  readonly name: string;
  /** The zone as a part of construct ids. */
  readonly id: string;
  readonly subnets: readonly [Subnet, ...Subnet[]];
}

/** The zones of the subnets, in the order in which they first occur. */
export function zonesOf(subnets: readonly Subnet[]): Zone[] {
  const names = [...new Set(subnets.map(({ zone }) => zone))];
  return names.map((name, index) => ({
    name,
    id: isExpression(name) ? `${index}` : name,
    subnets: subnets.filter(({ zone }) => zone === name) as [Subnet, ...Subnet[]],
  }));
}

/** Splits a number as evenly as it goes: `7` over three parts is `3, 2, 2`. */
export function evenly(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, part) => Math.floor(total / parts) + (part < total % parts ? 1 : 0));
}
