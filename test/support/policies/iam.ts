import { runSimulation } from "@cloud-copilot/iam-simulate";
import type { PolicyDocument } from "./policy-document";

/** What a role of AWS asks for. */
export interface IamRequest {
  readonly action: string;
  readonly resource: string;
  /** The account of the resource, where it is not the role's. */
  readonly account?: string;
  /** What conditions are about, by key. */
  readonly context?: Readonly<Record<string, string>>;
  /** The resource's own policy; keys and other roles have one that leaves it to their account, where none is given. */
  readonly resourcePolicy?: PolicyDocument;
}

/** Who asks. */
export interface IamRole {
  readonly arn: string;
  readonly account: string;
  readonly policies: readonly PolicyDocument[];
  /** The permissions boundary. */
  readonly boundary?: PolicyDocument;
}

/**
 * Whether AWS lets a role do something.
 *
 * Keys and other roles leave it to the policies of their account, as a key's default policy does, unless a policy of the
 * resource's own is given: what is refused is refused by the role's own policies.
 * @throws Error when the request or a policy is not one that AWS knows
 */
export async function iamAllows({ arn, account, policies, boundary }: IamRole, request: IamRequest): Promise<boolean> {
  const result = await runSimulation(
    {
      request: {
        principal: arn,
        action: request.action,
        resource: { resource: request.resource, accountId: request.account ?? account },
        // AWS names the role there, not its session.
        contextVariables: { "aws:PrincipalArn": arn, ...request.context },
      },
      identityPolicies: policies.map((policy, index) => ({ name: `policy${index}`, policy })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: request.resourcePolicy ?? (OPEN_TO_ACCOUNT.test(request.action) ? openTo(account, request.action) : undefined),
      permissionBoundaryPolicies: boundary && [{ name: "boundary", policy: boundary }],
    },
    {},
  );
  if (result.resultType === "error") throw new Error(`${request.action} on ${request.resource}: ${JSON.stringify(result.errors)}`);
  return result.overallResult === "Allowed";
}

/** What no policy of an identity allows by itself. */
const OPEN_TO_ACCOUNT = /^(kms|sts):/;

function openTo(account: string, action: string) {
  const resource = action.startsWith("sts:") ? {} : { Resource: "*" };
  return {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: action, ...resource }],
  };
}
