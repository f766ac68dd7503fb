import { livesOnAws } from "../../support/aws-stack";
import { synthesizeExample } from "../../support/examples";
import { hasLeastPrivilegeOnAws } from "../../support/policies/aws-proof";

describe("the production example on AWS", () => {
  livesOnAws({
    synthesize: () => synthesizeExample("aws-production").stackFolder("aws-production"),
    names: {
      vpc: "vpc-0a1b2c3d4e5f60718",
      subnets: ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"],
      certificate: "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
    },
    prepare: (cloud) => cloud.prepareAccessLogs("corp-access-logs"),
    rolled: ["aws_launch_template", "aws_autoscaling_group"],
    applied: (stack) => hasLeastPrivilegeOnAws("aws-production", stack),
  });
});
