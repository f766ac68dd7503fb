import { livesOnAws } from "../../support/aws-stack";
import { synthesizeExample } from "../../support/examples";

describe("the quickstart on AWS", () => {
  livesOnAws({
    synthesize: () => synthesizeExample("quickstart").stackFolder("quickstart-aws"),
    names: { vpc: "vpc-0example", subnets: ["subnet-0example1", "subnet-0example2"] },
    rolled: ["aws_launch_template", "aws_autoscaling_group"],
  });
});
