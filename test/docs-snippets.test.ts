import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

const ROOT = join(__dirname, "..");

interface Snippet {
  readonly where: string;
  readonly file: string;
  readonly code: string;
}

/** Every block of TypeScript in the documents that people write. */
function snippets(): Snippet[] {
  const pages = [
    "README.md",
    "CONTRIBUTING.md",
    ...readdirSync(join(ROOT, "docs"), { encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => join("docs", name)),
  ];
  return pages.flatMap((page) => {
    const blocks = [...readFileSync(join(ROOT, page), "utf8").matchAll(/```ts\n([^]*?)```/g)];
    return blocks.map(([, code], index) => ({
      where: `${page}, block ${index + 1}`,
      file: join(ROOT, "test", `snippet-${page.replace(/\W/g, "-")}-${index}.ts`),
      code: `${code!}\nexport {};\n`,
    }));
  });
}

it("the documents' snippets compile as they stand", () => {
  const all = snippets();
  expect(all.length).toBeGreaterThanOrEqual(6);
  const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), (path) => ts.sys.readFile(path)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const host = ts.createCompilerHost({ ...options, noUnusedLocals: false });
  const codeOf = new Map(all.map(({ file, code }) => [file, code]));
  const original = { ...host };
  host.fileExists = (path) => codeOf.has(path) || original.fileExists(path);
  host.readFile = (path) => codeOf.get(path) ?? original.readFile(path);
  host.getSourceFile = (path, language) => {
    const code = codeOf.get(path);
    return code === undefined ? original.getSourceFile(path, language) : ts.createSourceFile(path, code, language);
  };
  const program = ts.createProgram([...codeOf.keys()], { ...options, noUnusedLocals: false }, host);
  const mistakes = ts.getPreEmitDiagnostics(program).map((mistake) => {
    const where = all.find(({ file }) => file === mistake.file?.fileName)?.where ?? mistake.file?.fileName;
    return `${where}: ${ts.flattenDiagnosticMessageText(mistake.messageText, "\n")}`;
  });
  expect(mistakes).toEqual([]);
});
