import { imageProblems } from "../litellm/releases";
import { unknownName } from "../nearest";
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
   * Request parameters that callers may use beside those of docs/parameters.md: names for all routes (`["my_flag"]`), or by
   * route (`{ chat: ["my_flag"] }`). Parameters that change credentials, headers, provider or logging are refused here.
   * @default - none
   */
  readonly extraParameters?: readonly string[] | Readonly<Partial<Record<ParameterRoute, readonly string[]>>>;
  /**
   * What callers may name of the providers' accounts: ids of files, vector stores, containers, conversations and stored
   * prompts, and MCP servers. The gateway keeps no agent from what another one has put there.
   * @default - none; a request that names one is refused with 400
   */
  readonly openedIds?: readonly OpenableIds[];
}

/** The routes that take parameters, as docs/parameters.md names them. */
export const PARAMETER_ROUTES = [
  "chat",
  "completions",
  "responses",
  "messages",
  "count-tokens",
  "embeddings",
  "rerank",
  "moderations",
  "images",
  "image-edits",
  "speech",
  "transcriptions",
] as const;

/** A route that takes parameters. */
export type ParameterRoute = (typeof PARAMETER_ROUTES)[number];

const OPENABLE_IDS = ["files", "vector-stores", "containers", "conversations", "mcp-servers", "prompts"] as const;

/** What of a provider's account a request may name. */
export type OpenableIds = (typeof OPENABLE_IDS)[number];

/** By route, as a node reads it: "*" stands for all routes. */
export function extraParametersByRoute({ extraParameters }: InstallProps): Readonly<Record<string, readonly string[]>> | undefined {
  if (extraParameters === undefined) return undefined;
  return isList(extraParameters) ? { "*": extraParameters } : extraParameters;
}

function choiceProblems(prop: string, name: string, what: string, known: readonly string[]): string[] {
  return known.includes(name) ? [] : [`${prop}: ${unknownName(name, what, known)}`];
}

function isList<T>(value: readonly T[] | object): value is readonly T[] {
  return Array.isArray(value);
}

/** What no caller may say, as the node's `front/parameters.py` has it. */
export const NEVER_PASSED: readonly string[] = (
  "allowed_model_region api_base api_key api_version aws_access_key_id aws_secret_access_key aws_session_token " +
  "base_url cache caching custom_llm_provider default_headers extra_body extra_headers fallbacks headers " +
  "litellm_call_id litellm_credential_name litellm_logging_obj litellm_metadata litellm_params " +
  "mock_response model_info no-log no_log organization provider_specific_header proxy_server_request router " +
  "secret_fields user_config"
).split(" ");

const URL_OF_A_SERVER = /^https:\/\/[^\s/?#]+(\/\S*)?$/;

/** All that is wrong with these props. */
export function installProblems(props: InstallProps): string[] {
  return [
    ...urlProblems("pythonIndex", props.pythonIndex),
    ...urlProblems("engineMirror", props.engineMirror),
    ...(props.containerImage === undefined ? [] : imageProblems("containerImage", props.containerImage)),
    ...Object.entries(extraParametersByRoute(props) ?? {}).flatMap(([route, names]) => [
      ...(isList(props.extraParameters ?? {})
        ? []
        : choiceProblems("extraParameters", route, "a route that takes parameters", PARAMETER_ROUTES)),
      ...names.flatMap((name) => parameterProblems(name)),
    ]),
    ...(props.openedIds ?? []).flatMap((kind) => choiceProblems("openedIds", kind, "what can be opened", OPENABLE_IDS)),
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
