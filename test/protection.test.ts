import { Testing } from "cdktf";
import { CLOUDS, CloudName, gatewayIn } from "./support/gateways";
import { withoutProtection } from "./support/stacks";

describe.each(Object.keys(CLOUDS) as CloudName[])("on %s", (cloud) => {
  it.each([{}, { fixedNodes: 2 }])("removal and deletionProtection are all that keeps a gateway from being destroyed (%j)", (size) => {
    const text = (props: object) => Testing.synth(gatewayIn(cloud, { ...size, drift: {}, adminFrom: ["10.0.9.0/24"], ...props }).stack);
    const open = text({ removal: "destroy", deletionProtection: false });
    expect(JSON.parse(withoutProtection(text({})))).toEqual(JSON.parse(open));
    expect(withoutProtection(open)).toBe(open);
  });
});
