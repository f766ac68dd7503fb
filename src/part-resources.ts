import { IConstruct } from "constructs";
import { GatewayPartName, IGatewayPart } from "./platform";

/** The resources that a platform made for one part of a gateway, by what they are there. */
export class MadeResources<Kinds extends object> {
  private readonly byKind = new Map<keyof Kinds, unknown[]>();

  constructor(private readonly path: string) {}

  public add(kind: keyof Kinds, resource: IConstruct): void {
    this.byKind.set(kind, [...(this.byKind.get(kind) ?? []), resource]);
  }

  public all<Kind extends keyof Kinds>(kind: Kind): readonly Kinds[Kind][] {
    return (this.byKind.get(kind) ?? []) as Kinds[Kind][];
  }

  public first<Kind extends keyof Kinds>(kind: Kind): Kinds[Kind] | undefined {
    return this.all(kind)[0];
  }

  public one<Kind extends keyof Kinds>(kind: Kind): Kinds[Kind] {
    const resource = this.first(kind);
    if (resource === undefined) throw new Error(`${this.path}: it has no resource "${String(kind)}"`);
    return resource;
  }
}

/** Which resources one kind of platform made for which part; `resourcesOf` of a platform is a typed view of it. */
export class PartResources<Kinds extends object> {
  private readonly byPart = new WeakMap<IConstruct, MadeResources<Kinds>>();

  /** @param platform the platform's class, for the error of a part that another one made */
  constructor(private readonly platform: string) {}

  /** Notes that the part around a construct is this platform's, even where nothing is made for it. */
  public notePart(scope: IConstruct): void {
    this.around(scope);
  }

  /** Notes that a resource belongs to the part around it; a resource outside of any part is its maker's own. */
  public note(kind: keyof Kinds, resource: IConstruct): void {
    this.around(resource)?.add(kind, resource);
  }

  /** @throws Error for a part that another platform made */
  public of(part: IGatewayPart<GatewayPartName>): MadeResources<Kinds> {
    const made = this.byPart.get(part);
    if (made === undefined) {
      throw new Error(`${part.node.path}: its resources were not made by an ${this.platform}; ask the platform that it was given`);
    }
    return made;
  }

  private around(construct: IConstruct): MadeResources<Kinds> | undefined {
    const part = construct.node.scopes.reverse().find(isPart);
    if (part === undefined) return undefined;
    const made = this.byPart.get(part) ?? new MadeResources<Kinds>(part.node.path);
    this.byPart.set(part, made);
    return made;
  }
}

function isPart(construct: IConstruct): boolean {
  return typeof (construct as Partial<IGatewayPart<GatewayPartName>>).part === "string";
}
