import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { gatewayWithAgents, keepsAgentsApart } from "../support/policies/agents-proof";
import { AWS_PLACE } from "../support/policies/aws-proof";
import { ForeseenStack } from "../support/policies/foreseen-stack";

/** Before it is applied; test/e2e/aws/fixed.test.ts asks the same of what was applied. */
describe("the agents of a gateway on AWS", () => {
  const outdir = mkdtempSync(join(tmpdir(), "agents-"));
  beforeAll(() => {
    const app = new App({ outdir });
    gatewayWithAgents(app);
    app.synth();
  });
  afterAll(() => rmSync(outdir, { recursive: true }));

  keepsAgentsApart(() => Promise.resolve(new ForeseenStack(join(outdir, "stacks", "stack"), AWS_PLACE)));
});
