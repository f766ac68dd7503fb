import { TerraformProvider } from "cdktf";
import { Construct } from "constructs";
import { ConfigOf, RESOURCE_KINDS, ResourceKind, ResourceOf, TAGGABLE } from "./resource-kinds";
import { MADE } from "./resources";

/**
 * Changes to resources before they are created, by what the resource is in a gateway. Each gets the whole configuration
 * that the platform made, tags included, and returns the one to use; where there are several of a kind, it is asked for each.
 * @example { launchTemplate: (config) => ({ ...config, keyPairName: "break-glass" }) }
 */
export type AlicloudTransform = { readonly [Kind in ResourceKind]?: (config: ConfigOf<Kind>) => ConfigOf<Kind> };

/** What a {@link ResourceFactory} gives to every resource. */
export interface ResourceDefaults {
  readonly provider?: TerraformProvider;
  readonly tags?: Readonly<Record<string, string>>;
  readonly transform?: AlicloudTransform;
}

/** The one way in which the platform makes resources: with its provider, its tags and the user's changes. */
export class ResourceFactory {
  constructor(private readonly defaults: ResourceDefaults) {}

  /** Makes a resource and notes which part of the gateway it belongs to. */
  public make<Kind extends ResourceKind>(kind: Kind, scope: Construct, id: string, config: ConfigOf<Kind>): ResourceOf<Kind> {
    return this.create(kind, scope, id, this.finish(kind, config));
  }

  /** The configuration as it is created: for a resource that depends on the whole of its own configuration. */
  public finish<Kind extends ResourceKind>(kind: Kind, config: ConfigOf<Kind>): ConfigOf<Kind> {
    const transform: (config: ConfigOf<Kind>) => ConfigOf<Kind> = this.defaults.transform?.[kind] ?? ((unchanged) => unchanged);
    return transform({ ...config, ...this.tagsOf(kind), provider: this.defaults.provider });
  }

  /** Creates a resource from a finished configuration. */
  public create<Kind extends ResourceKind>(kind: Kind, scope: Construct, id: string, config: ConfigOf<Kind>): ResourceOf<Kind> {
    const Resource = RESOURCE_KINDS[kind] as unknown as new (scope: Construct, id: string, config: ConfigOf<Kind>) => ResourceOf<Kind>;
    const resource = new Resource(scope, id, config);
    MADE.note(kind, resource);
    return resource;
  }

  private tagsOf(kind: ResourceKind): { readonly tags?: Record<string, string> } {
    return this.defaults.tags !== undefined && kind in TAGGABLE ? { tags: { ...this.defaults.tags } } : {};
  }
}
