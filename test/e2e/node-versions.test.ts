import { EXAMPLES, ExampleName, filesOf, synthesizeExample } from "../support/examples";
import { nodeOfMajor } from "../support/toolchain";

it.each(Object.keys(EXAMPLES) as ExampleName[])("Node.js 20 and 22 synthesize the same bytes of %s", async (name) => {
  const [by20, by22] = await Promise.all([20, 22].map(async (major) => synthesizeExample(name, await nodeOfMajor(major))));
  expect(filesOf(by22!.folder)).toEqual(filesOf(by20!.folder));
  by20!.dispose();
  by22!.dispose();
});
