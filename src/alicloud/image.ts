import { Construct } from "constructs";
import { isExpression } from "../text";
import { DataAlicloudImages } from "./bindings/providers/alicloud/data-alicloud-images";
import { AlicloudContext } from "./context";

/**
 * Families with an ARM processor end in "y" (YiTian) or "r" (Ampere): c8y, g8y, r8y, c6r, g6r.
 * @see https://www.alibabacloud.com/help/en/ecs/user-guide/overview-of-instance-families
 */
const ARM = /^ecs\.[a-z]+\d+[yr]\./;

/**
 * The pattern of the names of Ubuntu 24.04's images for an instance type; one that only Terraform knows is taken for x86.
 * Unverified: the names of the ARM ones.
 */
export function ubuntuPattern(instanceType: string): string {
  const architecture = !isExpression(instanceType) && ARM.test(instanceType) ? "arm64" : "x64";
  return `^ubuntu_24_04_${architecture}`;
}

/** The newest public image of Ubuntu 24.04, which is another one from month to month. */
export function newestUbuntu(scope: Construct, { provider }: AlicloudContext, instanceType: string): string {
  const config = { nameRegex: ubuntuPattern(instanceType), owners: "system", mostRecent: true, provider };
  return new DataAlicloudImages(scope, "Image", config).images.get(0).imageId;
}
