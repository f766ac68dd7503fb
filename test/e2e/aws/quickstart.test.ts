import { livesOnAws } from "../../support/aws-stack";
import { synthesizeExample } from "../../support/examples";
import { hasLeastPrivilegeOnAws } from "../../support/policies/aws-proof";

describe("the quickstart on AWS", () => {
  livesOnAws({
    synthesize: () => synthesizeExample("quickstart").stackFolder("quickstart-aws"),
    names: { vpc: "vpc-0example", subnets: ["subnet-0example1", "subnet-0example2"] },
    rolled: ["aws_launch_template", "aws_autoscaling_group"],
    applied: (stack) => hasLeastPrivilegeOnAws("quickstart-aws", stack),
  });
});
