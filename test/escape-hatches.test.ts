import { gatewayIn, minimalProps, newStack } from "./support/gateways";
import { AiGateway, EncryptionKey } from "cdktf-ai-gateway";
import { AlicloudPlatform } from "cdktf-ai-gateway/alicloud";
import { AwsPlatform } from "cdktf-ai-gateway/aws";
import { resourcesOfType, synthesized } from "cdktf-ai-gateway/testing";

describe("resourcesOf", () => {
  it("gives each part's resources, typed, and changes of them reach the stack", () => {
    const { stack, gateway } = gatewayIn("aws", { drift: {} });
    AwsPlatform.resourcesOf(gateway.cluster).loadBalancer.addOverride("xff_header_processing_mode", "preserve");
    AwsPlatform.resourcesOf(gateway.role).role.maxSessionDuration = 7200;
    const json = synthesized(stack);
    expect(resourcesOfType(json, "aws_lb")[0]).toMatchObject({ xff_header_processing_mode: "preserve" });
    expect(resourcesOfType(json, "aws_iam_role")).toContainEqual(expect.objectContaining({ max_session_duration: 7200 }));
    expect(AwsPlatform.resourcesOf(gateway.drift!).queue.name).toBeDefined();
  });

  it("has no key where one was brought", () => {
    const brought = {
      aws: "arn:aws:kms:eu-central-1:123456789012:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
      alicloud: "key-0a1b2c3d4e5f60718293",
    };
    const aws = gatewayIn("aws", { encryptionKey: EncryptionKey.fromId(brought.aws) });
    expect(AwsPlatform.resourcesOf(aws.gateway.secrets)).toMatchObject({ key: undefined, keyAlias: undefined });
    expect(JSON.stringify(resourcesOfType(synthesized(aws.stack), "aws_iam_role_policy"))).toContain(brought.aws);
    const alicloud = gatewayIn("alicloud", { encryptionKey: EncryptionKey.fromId(brought.alicloud) });
    expect(AlicloudPlatform.resourcesOf(alicloud.gateway.secrets)).toEqual({ key: undefined, keyAlias: undefined, secrets: [] });
    expect(JSON.stringify(resourcesOfType(synthesized(alicloud.stack), "alicloud_ram_policy"))).toContain(`:key/${brought.alicloud}`);
  });

  it("says so when another platform made them", () => {
    const { gateway } = gatewayIn("aws");
    expect(() => AlicloudPlatform.resourcesOf(gateway.cluster)).toThrow(
      "stack/gateway/Cluster: its resources were not made by an AlicloudPlatform",
    );
  });
});

describe("two gateways in one stack", () => {
  it.each(["aws", "alicloud"] as const)("are apart on %s", (cloud) => {
    const stack = newStack(cloud);
    const agents = { "an-agent": { qpm: 1 } };
    const props = { ...minimalProps(cloud), agents, provisioning: "runner" as const, adminFrom: ["10.0.9.0/24"], drift: {} };
    new AiGateway(stack, "one", { ...props, name: "one" }).registerOutputs("one");
    new AiGateway(stack, "two", { ...props, name: "two" }).registerOutputs("two");
    const json = synthesized(stack);
    expect(resourcesOfType(json, "null_resource")).toHaveLength(6);
    expect(Object.keys(json.output ?? {})).toEqual(expect.arrayContaining(["one_endpoint", "two_endpoint"]));
    const names = Object.values(json.resource).flatMap((byId) =>
      Object.values(byId).map(({ name, bucket }) => `${String(name)} ${String(bucket)}`),
    );
    expect(names.some((name) => name.startsWith("one"))).toBe(true);
  });

  it("need two prefixes for their outputs", () => {
    const stack = newStack("aws");
    new AiGateway(stack, "one", { ...minimalProps("aws"), name: "one" }).registerOutputs();
    const two = new AiGateway(stack, "two", { ...minimalProps("aws"), name: "two" });
    expect(() => two.registerOutputs()).toThrow("gateway_endpoint");
  });
});
