import { isExpression } from "../text";

/** 2 vCPU and 4 GiB: what one LiteLLM process needs at its peak, twice over. */
export const DEFAULT_INSTANCE_TYPE = "c7i.large";

/** The disk that the images of Ubuntu boot from. */
export const ROOT_DEVICE = "/dev/sda1";

/** Families with AWS's own processors have a "g" after their generation: c7g, im4gn, g5g; a1 came before the rule. */
const GRAVITON = /^(a1|[a-z]+\d+[a-z]*g[a-z]*)\./;

/**
 * Ubuntu 24.04 as it is when an instance starts, so that a new image changes no plan.
 * An instance type that only Terraform knows is taken for one of Intel or AMD.
 * @see https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/
 */
export function ubuntuImage(instanceType: string): string {
  const architecture = !isExpression(instanceType) && GRAVITON.test(instanceType) ? "arm64" : "amd64";
  return `resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/${architecture}/hvm/ebs-gp3/ami-id`;
}
