/** @jest-config-loader esbuild-register */
import type { Config } from "jest";

const common = {
  testEnvironment: "node",
  modulePathIgnorePatterns: ["<rootDir>/lib/"],
  transform: { "^.+\\.ts$": ["@swc/jest", { jsc: { target: "es2022", parser: { syntax: "typescript" } } }] },
  moduleNameMapper: {
    "^cdktf-ai-gateway$": "<rootDir>/src/index.ts",
    "^cdktf-ai-gateway/(agent|aws|alicloud|testing|vault)$": "<rootDir>/src/$1/index.ts",
    // As TypeScript writes what is imported late.
    "^(\\.{1,2}/.+)\\.js$": "$1",
  },
} as const;

const config: Config = {
  projects: [
    // Neither network nor Terraform.
    {
      ...common,
      displayName: "unit",
      testMatch: ["<rootDir>/test/**/*.test.ts"],
      testPathIgnorePatterns: ["/test/e2e/", "/test/extended/", "/test/support/"],
    },
    // The doubles are shown to refuse what the real things refuse.
    { ...common, displayName: "doubles", testMatch: ["<rootDir>/test/support/**/*.test.ts"] },
    // Real Terraform over the examples, and the package as its users get it.
    { ...common, displayName: "e2e", testMatch: ["<rootDir>/test/e2e/**/*.test.ts"] },
    // What is long by nature, before a release: `npm run test:extended`.
    { ...common, displayName: "extended", testMatch: ["<rootDir>/test/extended/**/*.test.ts"] },
  ],
  testTimeout: 600_000,
  // Terraform's tests mostly wait: one more than the machines of CI have cores.
  maxWorkers: 3,
};

export default config;
