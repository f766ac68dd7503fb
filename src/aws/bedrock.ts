import { Construct } from "constructs";
import { AccessStatement } from "../access";
import { ConfigError } from "../errors";
import { nameProblems } from "../text";
import { arn, arnIn, AwsContext } from "./context";

/** What LiteLLM calls: `converse` and `invoke` are both governed by these two. */
const INVOKE = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"];

/** The geographies of system-defined inference profiles. */
const PROFILE = /^(?:us|us-gov|eu|apac|jp|au|ca|global)\.(.+)$/;

const PROFILE_ARN = /:(?:application-)?inference-profile\//;

/** Routes of LiteLLM before the model's id, such as "converse/" or "llama/". */
const ROUTE = /^(?:[a-z0-9_-]+\/)+/;

const MODEL = /^(arn:aws[a-z-]*:bedrock:[a-z0-9-]*:\d*:[a-z-]+\/[\w.:-]+|[\w.:-]+)$/;

/**
 * Calling exactly these models. An inference profile passes a call on to the model behind it in a region of its choice, so
 * that model may be called in any region, but only through the profile.
 * @param models ids of foundation models or inference profiles, or ARNs; one that only Terraform knows is taken for a foundation model's
 * @throws ConfigError when an id is not one of Bedrock
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html
 */
export function bedrockStatements(scope: Construct, context: AwsContext, models: readonly string[], region: string): AccessStatement[] {
  const ids = [...new Set(models.map((model) => model.replace(ROUTE, "")))];
  ConfigError.throwIfAny(
    scope,
    ids.flatMap((id) =>
      nameProblems(
        "providers.bedrock.models",
        id,
        MODEL,
        'the id of a Bedrock model or inference profile, such as "amazon.nova-pro-v1:0", or its ARN',
      ),
    ),
  );
  const bedrock = (where: string, resource: string) => arnIn(context, scope, "bedrock", where, resource);
  const called = ids.map((id) => {
    if (id.startsWith("arn:")) return id;
    return PROFILE.test(id)
      ? arn({ ...context, region }, scope, "bedrock", `inference-profile/${id}`)
      : bedrock(region, `foundation-model/${id}`);
  });
  const profiles = called.filter((resource) => PROFILE_ARN.test(resource));
  return [
    ...(called.length === 0 ? [] : [{ sid: "CallBedrockModels", actions: INVOKE, resources: called }]),
    ...profiles.map((profile) => ({
      sid: "CallModelBehindProfile",
      actions: INVOKE,
      resources: regionsBehind(profile).map((where) => bedrock(where, `foundation-model/${modelBehind(profile)}`)),
      conditions: { ArnEquals: { "bedrock:InferenceProfileArn": profile } },
    })),
  ];
}

/**
 * A global profile, which may lie behind an application's too, also asks for the model by an ARN without a region.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/global-cross-region-inference.html
 */
function regionsBehind(profile: string): string[] {
  return /:application-inference-profile\/|:inference-profile\/global\./.test(profile) ? ["*", ""] : ["*"];
}

/** An application's own profile does not say which model lies behind it; the condition on the profile still holds. */
function modelBehind(profile: string): string {
  const id = profile.slice(profile.lastIndexOf("/") + 1);
  return PROFILE.exec(id)?.[1] ?? "*";
}
