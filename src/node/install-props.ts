import { imageProblems } from "../litellm/releases";
import { nameProblems } from "../text";

/** Where a node gets what it is made of, and which parameters of a request it lets through. */
export interface InstallProps {
  /**
   * The package index from which nodes install LiteLLM, for networks that do not reach pypi.org: an https URL without a
   * password, such as "https://mirrors.aliyun.com/pypi/simple/". Every package is held against its hash, whatever the index.
   * @default - pypi.org
   */
  readonly pythonIndex?: string;
  /**
   * A mirror of binaries.prisma.sh with the same layout, such as "https://registry.npmmirror.com/-/binary/prisma".
   * @default - binaries.prisma.sh
   */
  readonly engineMirror?: string;
  /**
   * LiteLLM from the vendor's container image instead, run by Podman: an image by digest, such as
   * "ghcr.io/berriai/litellm-non_root@sha256:…", of the very release that `litellmRelease` names (the node compares) and that
   * its registry gives without a password. `crane digest ghcr.io/berriai/litellm-non_root:TAG`, or the package's page on
   * GitHub, tells the digest; its signature is checked by
   * `cosign verify --key https://raw.githubusercontent.com/BerriAI/litellm/0112e53046018d726492c814b3644b7d376029d0/cosign.pub IMAGE`.
   * No image could be run where this was made: see "In a container" in docs/node.md.
   * @default - LiteLLM is installed from the lock file
   */
  readonly containerImage?: string;
  /**
   * Request parameters that callers may use beside those documented by OpenAI and Anthropic, such as "repetition_penalty".
   * Parameters that change credentials, headers, provider or logging are refused here.
   * @default - none
   */
  readonly extraParameters?: readonly string[];
}

/** What no caller may say, as `guard.py` has it. */
export const NEVER_PASSED: readonly string[] = (
  "allowed_model_region api_base api_key api_version aws_access_key_id aws_secret_access_key aws_session_token " +
  "base_url custom_llm_provider default_headers extra_body extra_headers fallbacks headers litellm_credential_name " +
  "mock_response no-log no_log organization user_config"
).split(" ");

const URL_OF_A_SERVER = /^https:\/\/[^\s/?#]+(\/\S*)?$/;

/** All that is wrong with these props. */
export function installProblems(props: InstallProps): string[] {
  return [
    ...urlProblems("pythonIndex", props.pythonIndex),
    ...urlProblems("engineMirror", props.engineMirror),
    ...(props.containerImage === undefined ? [] : imageProblems("containerImage", props.containerImage)),
    ...(props.extraParameters ?? []).flatMap((name) => parameterProblems(name)),
  ];
}

/** A password would lie in the state and on every node; the message does not repeat it. */
function urlProblems(prop: string, url: string | undefined): string[] {
  if (url?.includes("@") === true) return [`${prop}: it holds a user name or password; give a URL without one`];
  return nameProblems(prop, url, URL_OF_A_SERVER, 'an https URL, such as "https://mirror.example/simple/"');
}

function parameterProblems(name: string): string[] {
  return NEVER_PASSED.includes(name)
    ? [`extraParameters: "${name}" would let a caller change credentials, headers, provider or logging; it never passes`]
    : nameProblems("extraParameters", name, /^[A-Za-z_][A-Za-z0-9_.-]*$/, "the name of a request's parameter");
}
