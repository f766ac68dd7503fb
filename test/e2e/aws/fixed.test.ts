import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { livesOnAws } from "../../support/aws-stack";
import { minimalProps, newStack } from "../../support/gateways";
import { AiGateway } from "cdktf-ai-gateway";

describe("a gateway of fixed instances on AWS", () => {
  livesOnAws({
    synthesize: () => {
      const app = new App({ outdir: mkdtempSync(join(tmpdir(), "fixed-")) });
      new AiGateway(newStack("aws", app), "gateway", { ...minimalProps("aws"), fixedNodes: 2 });
      app.synth();
      return join(app.outdir, "stacks", "stack");
    },
    names: { vpc: "vpc-1", subnets: ["subnet-1", "subnet-2"] },
    rolled: ["aws_launch_template", "aws_instance", "aws_lb_target_group_attachment"],
  });
});
