import { CLOUDS, CloudName, gatewayIn } from "./support/gateways";
import { AiGatewayProps, Duration } from "cdktf-ai-gateway";
import { synthesized } from "cdktf-ai-gateway/testing";

interface Settings {
  readonly limits: Readonly<Record<string, unknown>>;
  readonly cacheShared: boolean;
}

function settings(cloud: CloudName, props: Partial<AiGatewayProps> = {}): Settings {
  const { locals = {} } = synthesized(gatewayIn(cloud, props).stack);
  const [, text] = Object.entries(locals).find(([id]) => id.includes("Cluster_Settings"))!;
  return JSON.parse(text as string) as Settings;
}

describe.each(Object.keys(CLOUDS) as CloudName[])("the limits of the front on %s", (cloud) => {
  it("have defaults", () => {
    const { limits, cacheShared } = settings(cloud);
    expect(limits).toMatchObject({ maxRequestMib: 32, maxWaiting: 100 });
    expect(cacheShared).toBe(false);
  });

  it("reach the nodes", () => {
    const cache = { ttl: Duration.minutes(10), shared: true };
    const { limits, cacheShared } = settings(cloud, { maxRequestMib: 512, maxWaiting: 7, cache });
    expect(limits).toMatchObject({ maxRequestMib: 512, maxWaiting: 7 });
    expect(cacheShared).toBe(true);
  });

  it("keep each agent's answers from the others unless they are shared", () => {
    expect(settings(cloud, { cache: { ttl: Duration.minutes(10) } }).cacheShared).toBe(false);
  });
});
