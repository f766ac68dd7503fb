import { SynthesizedExample, synthesizeExample } from "../support/examples";
import { ForeseenStack } from "../support/policies/foreseen-stack";
import { ALICLOUD_PLACE, hasLeastPrivilegeOnAlicloud } from "../support/policies/ram-proof";

/** Before it is applied; test/e2e/alicloud.test.ts asks the same of what was applied. */
describe.each([
  ["quickstart", "quickstart-alicloud"],
  ["alicloud-production", "alicloud-production"],
] as const)("of the example %s, the stack %s", (example, stack) => {
  let synthesized: SynthesizedExample;
  beforeAll(() => {
    synthesized = synthesizeExample(example);
  });
  afterAll(() => synthesized.dispose());

  hasLeastPrivilegeOnAlicloud(stack, () => Promise.resolve(new ForeseenStack(synthesized.stackFolder(stack), ALICLOUD_PLACE)));
});
