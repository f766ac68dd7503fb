import importX from "eslint-plugin-import-x";
import tseslint from "typescript-eslint";

const providerRoots = ["aws", "null", "vault"].map((name) => ({
  name: `@cdktf/provider-${name}`,
  message: "The root of a provider package costs 2.8 s and 575 MB; import @cdktf/provider-x/lib/<resource>.",
}));

const cloud = (name) => ({
  group: [`@cdktf/provider-${name}/*`, `**/${name}`, `**/${name}/*`, `cdktf-ai-gateway/${name}`],
  message: "Importing this part must not load a cloud's bindings.",
});

/** Also tested: test/lint-rules.test.ts. */
const restrictImports = (...patterns) => ({
  "no-restricted-imports": [
    "error",
    { paths: providerRoots, patterns: [{ group: ["cdktf/lib/*"], message: "Import cdktf by its root only." }, ...patterns] },
  ],
});

export default tseslint.config(
  { ignores: ["lib", "cdktf.out", "src/alicloud/bindings", "src/cli/bundled.js", "docs/api", "**/node_modules"] },
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    plugins: { "import-x": importX },
    rules: {
      ...restrictImports(),
      "import-x/order": ["error", { alphabetize: { order: "asc", caseInsensitive: true }, "newlines-between": "never" }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-shadow": "error",
      "@typescript-eslint/no-require-imports": ["error", { allow: ["^yaml$", "^nanotar$", "/package\\.json$"] }],
      "@typescript-eslint/consistent-type-imports": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-extraneous-class": "off",
      "@typescript-eslint/restrict-template-expressions": "off",
      "no-restricted-syntax": [
        "error",
        {
          selector: "CallExpression[callee.object.name='Fn'][callee.property.name='jsonencode']",
          message: "Fn.jsonencode does not escape quotes, backslashes and %{ inside literals; use terraformJson.",
        },
      ],
    },
  },
  {
    files: ["src/*.ts", "src/litellm/**/*.ts", "src/node/**/*.ts", "src/cli/**/*.ts", "src/testing/**/*.ts"],
    rules: restrictImports(cloud("aws"), cloud("alicloud")),
  },
  { files: ["src/aws/**/*.ts"], rules: restrictImports(cloud("alicloud")) },
  { files: ["src/alicloud/**/*.ts"], rules: restrictImports(cloud("aws")) },
  {
    files: ["src/agent/**/*.ts"],
    rules: restrictImports(cloud("aws"), cloud("alicloud"), {
      group: ["cdktf", "constructs", "@cdktf/*"],
      message: "An agent's program does not load CDKTF.",
    }),
  },
  { files: ["src/vault/**/*.ts"], rules: restrictImports(cloud("aws"), cloud("alicloud")) },
  {
    files: ["src/litellm/**/*.ts"],
    rules: restrictImports(cloud("aws"), cloud("alicloud"), {
      group: ["cdktf", "constructs", "@cdktf/*"],
      message: "What we know of LiteLLM is pure TypeScript.",
    }),
  },
  {
    // Synthesized JSON has no types.
    files: ["test/aws/**/*.ts", "test/alicloud/**/*.ts"],
    rules: Object.fromEntries(
      [
        "no-explicit-any",
        "no-unsafe-argument",
        "no-unsafe-assignment",
        "no-unsafe-call",
        "no-unsafe-member-access",
        "no-unsafe-return",
      ].map((rule) => [`@typescript-eslint/${rule}`, "off"]),
    ),
  },
);
