import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CommandError } from "../secrets/command-error";
import type { PolicyJson } from "./compare-access";

const run = promisify(execFile);

/** How the policies of a role are read. */
export type LivePolicies = (role: string) => Promise<readonly PolicyJson[]>;

/** Reads a cloud's API as its own command does, with the credentials of whoever calls. */
export type AskCloud = (words: readonly string[]) => Promise<unknown>;

/** The policies of a role of AWS: inline and attached ones, those of AWS's own included. Needs `aws` on the PATH. */
export function awsPolicies(ask: AskCloud = asking("aws", ["--output", "json"])): LivePolicies {
  return async (role) => {
    const { PolicyNames } = (await ask(["iam", "list-role-policies", "--role-name", role])) as { PolicyNames: string[] };
    const { AttachedPolicies } = (await ask(["iam", "list-attached-role-policies", "--role-name", role])) as {
      AttachedPolicies: { PolicyArn: string }[];
    };
    const inline = PolicyNames.map(async (name) => {
      const reply = await ask(["iam", "get-role-policy", "--role-name", role, "--policy-name", name]);
      return (reply as { PolicyDocument: PolicyJson }).PolicyDocument;
    });
    const attached = AttachedPolicies.map(async ({ PolicyArn }) => {
      const { Policy } = (await ask(["iam", "get-policy", "--policy-arn", PolicyArn])) as { Policy: { DefaultVersionId: string } };
      const words = ["iam", "get-policy-version", "--policy-arn", PolicyArn, "--version-id", Policy.DefaultVersionId];
      return ((await ask(words)) as { PolicyVersion: { Document: PolicyJson } }).PolicyVersion.Document;
    });
    return Promise.all([...inline, ...attached]);
  };
}

/** The policies of a role of Alibaba Cloud. Needs `aliyun` on the PATH. */
export function alicloudPolicies(ask: AskCloud = asking("aliyun", [])): LivePolicies {
  return async (role) => {
    const reply = (await ask(["ram", "ListPoliciesForRole", "--RoleName", role])) as {
      Policies: { Policy: { PolicyName: string; PolicyType: string }[] };
    };
    return Promise.all(
      reply.Policies.Policy.map(async ({ PolicyName, PolicyType }) => {
        const words = ["ram", "GetPolicy", "--PolicyName", PolicyName, "--PolicyType", PolicyType];
        const { DefaultPolicyVersion } = (await ask(words)) as { DefaultPolicyVersion: { PolicyDocument: string } };
        return JSON.parse(DefaultPolicyVersion.PolicyDocument) as PolicyJson;
      }),
    );
  };
}

/** Asks by a program of the PATH. */
export function asking(program: string, options: readonly string[]): AskCloud {
  return async (words) => {
    try {
      const { stdout } = await run(program, [...words, ...options], { maxBuffer: 16 * 1024 * 1024 });
      return JSON.parse(stdout) as unknown;
    } catch (error) {
      const { code, stderr = "" } = error as { code?: string | number; stderr?: string };
      if (code === "ENOENT") throw new CommandError(`${program} is not on the PATH; role check reads the role with it`);
      throw new CommandError(`${program} ${words.slice(0, 2).join(" ")}: ${stderr.trim() || (error as Error).message}`);
    }
  };
}
