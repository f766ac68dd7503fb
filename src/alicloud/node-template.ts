import { Fn, TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import { NodesSpec } from "../platform";
import { AlicloudContext } from "./context";
import { newestUbuntu } from "./image";
import { ConfigOf, ResourceOf } from "./resource-kinds";

/** @see https://www.alibabacloud.com/help/en/ecs/user-guide/general-purpose-instance-families: 2 vCPU, 4 GiB */
export const DEFAULT_INSTANCE_TYPE = "ecs.c7.large";

/**
 * The launch template of the nodes: metadata by token only, encrypted disk, no public address.
 *
 * A template is never edited. Its name ends in a hash of what it says, so that any change makes a new one, and with it
 * new nodes: when the provider (1.289) adds a version to a template whose disk did not change, it sends the disk without
 * `encrypted`, and the next nodes would write to a bare disk.
 *
 * Without an `imageId` the image is Ubuntu 24.04, the newest one at the template's creation: a newer one that is published
 * later replaces nothing by itself, and comes with the next template.
 */
export function nodeTemplate(
  scope: Construct,
  context: AlicloudContext,
  spec: NodesSpec,
  securityGroupId: string,
): ResourceOf<"launchTemplate"> {
  const instanceType = spec.instanceType ?? DEFAULT_INSTANCE_TYPE;
  const newest = spec.imageId === undefined ? newestUbuntu(scope, context, instanceType) : undefined;
  const config = context.resources.finish("launchTemplate", {
    launchTemplateName: spec.name,
    description: `A node of the gateway ${spec.name}`,
    instanceName: `${spec.name}-node`,
    instanceType,
    imageId: spec.imageId ?? newest,
    networkType: "vpc",
    securityGroupIds: [securityGroupId],
    // By the template rather than attached: a role that is attached to a running instance comes too late for its first boot.
    ramRoleName: spec.role.instanceIdentity,
    httpEndpoint: "enabled",
    httpTokens: "required",
    httpPutResponseHopLimit: 1,
    systemDisk: { category: "cloud_essd", size: spec.diskSizeGib, encrypted: true, deleteWithInstance: true },
    userData: encoded(scope, spec.userData),
    updateDefaultVersionNumber: true,
    lifecycle: { createBeforeDestroy: true, ...(newest !== undefined && { ignoreChanges: ["image_id"] }) },
  });
  // A change by the user may have put an image of its own in the place of the newest.
  const rolling = config.imageId === newest ? { ...config, imageId: undefined } : config;
  return context.resources.create("launchTemplate", scope, "LaunchTemplate", {
    ...config,
    templateTags: config.templateTags ?? config.tags,
    launchTemplateName: `${config.launchTemplateName}-${hashOf(scope, rolling)}`,
  });
}

/** A local in between, because Terraform's functions do not take every literal as it is. */
function encoded(scope: Construct, text: string): string {
  return Fn.base64encode(new TerraformLocal(scope, "UserData", text).asString);
}

function hashOf(scope: Construct, config: ConfigOf<"launchTemplate">): string {
  const content = { ...config, lifecycle: undefined, dependsOn: undefined, provider: undefined };
  const local = new TerraformLocal(scope, "LaunchTemplateContent", content);
  // eslint-disable-next-line no-restricted-syntax -- a reference: there is no literal to escape
  return Fn.substr(Fn.sha256(Fn.jsonencode(local.expression)), 0, 8);
}
