// Reads [{ file, text }] from standard input and prints what our own lint rules say of each, as if it stood in that file.
import { text } from "node:stream/consumers";
import { ESLint } from "eslint";

const eslint = new ESLint({
  overrideConfig: [{ languageOptions: { parserOptions: { projectService: false } } }],
  ruleFilter: ({ ruleId }) => ruleId.startsWith("no-restricted"),
});
const complaints = [];
for (const { file, text: code } of JSON.parse(await text(process.stdin))) {
  const [result] = await eslint.lintText(code, { filePath: file });
  complaints.push(result.messages.map((message) => message.message));
}
console.log(JSON.stringify(complaints));
