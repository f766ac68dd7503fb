import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { livesOnAws } from "../../support/aws-stack";
import { queryAws } from "../../support/moto/aws-request";
import { AGENT_ROLE, gatewayWithAgents, keepsAgentsApart } from "../../support/policies/agents-proof";

describe("a gateway of fixed instances on AWS", () => {
  livesOnAws({
    synthesize: () => {
      const app = new App({ outdir: mkdtempSync(join(tmpdir(), "fixed-")) });
      gatewayWithAgents(app, { fixedNodes: 2 });
      app.synth();
      return join(app.outdir, "stacks", "stack");
    },
    names: { vpc: "vpc-1", subnets: ["subnet-1", "subnet-2"] },
    prepare: async (cloud) => {
      const AssumeRolePolicyDocument = JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } }],
      });
      const { roleName: RoleName, rolePath: Path } = AGENT_ROLE;
      await queryAws(cloud.signer("iam"), "2010-05-08", "CreateRole", { RoleName, Path, AssumeRolePolicyDocument });
    },
    rolled: ["aws_launch_template", "aws_instance", "aws_lb_target_group_attachment"],
    applied: keepsAgentsApart,
  });
});
