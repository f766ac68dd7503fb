import { SynthesizedExample, synthesizeExample } from "../support/examples";
import { AWS_PLACE, hasLeastPrivilegeOnAws } from "../support/policies/aws-proof";
import { ForeseenStack } from "../support/policies/foreseen-stack";

/** Before it is applied; test/e2e/aws asks the same of what was applied. */
describe.each([
  ["quickstart", "quickstart-aws"],
  ["aws-production", "aws-production"],
] as const)("of the example %s, the stack %s", (example, stack) => {
  let synthesized: SynthesizedExample;
  beforeAll(() => {
    synthesized = synthesizeExample(example);
  });
  afterAll(() => synthesized.dispose());

  hasLeastPrivilegeOnAws(stack, () => Promise.resolve(new ForeseenStack(synthesized.stackFolder(stack), AWS_PLACE)));
});
