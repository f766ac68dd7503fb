import { TerraformProvider } from "cdktf";
import { Construct } from "constructs";
import { ConfigOf, RESOURCE_KINDS, ResourceKind, ResourceOf } from "./resource-kinds";
import { MADE } from "./resources";

/**
 * Changes to resources before they are created, by what the resource is in a gateway. Each gets the whole configuration
 * that the platform made, tags included, and returns the one to use; where there are several of a kind, it is asked for each.
 * @example { launchTemplate: (config) => ({ ...config, keyName: "break-glass" }) }
 */
export type AwsTransform = { readonly [Kind in ResourceKind]?: (config: ConfigOf<Kind>) => ConfigOf<Kind> };

/** What a {@link ResourceFactory} gives to every resource. */
export interface ResourceDefaults {
  readonly provider?: TerraformProvider;
  readonly tags?: Readonly<Record<string, string>>;
  readonly transform?: AwsTransform;
}

/** The one way in which the platform makes resources: with its provider, its tags and the user's changes. */
export class ResourceFactory {
  constructor(private readonly defaults: ResourceDefaults) {}

  /** Makes a resource and notes which part of the gateway it belongs to. */
  public make<Kind extends ResourceKind>(kind: Kind, scope: Construct, id: string, config: ConfigOf<Kind>): ResourceOf<Kind> {
    const Resource = RESOURCE_KINDS[kind] as unknown as new (scope: Construct, id: string, config: ConfigOf<Kind>) => ResourceOf<Kind>;
    const transform: (config: ConfigOf<Kind>) => ConfigOf<Kind> = this.defaults.transform?.[kind] ?? ((unchanged) => unchanged);
    const resource = new Resource(scope, id, transform({ provider: this.defaults.provider, ...config }));
    MADE.note(kind, resource);
    return resource;
  }

  /** The tags of everything that AWS tags: the platform's, and the name under which the console lists it. */
  public tags(name: string): Record<string, string> {
    return { ...this.defaults.tags, Name: name };
  }
}
