export { AzureAuth } from "./azure-auth";
export type { AgentProps, AgentsProps } from "./agents";
export type { CacheProps, GatewayModelProps } from "./gateway-props";
export type { ProviderKind, ProviderSite } from "./provider-kinds";
export type { ModelPrice, ModelProps, ProviderProps, ProvidersProps } from "./provider-props";
export { DEFAULT_RELEASE, OLDEST_RELEASE, REFUSED_IMAGES, REFUSED_RELEASES } from "./releases";
export { ADMIN_ROUTES, AGENT_ROUTES, type Route } from "./routes";
export type { Fallbacks, RoutingProps, RoutingStrategy } from "./routing-props";
