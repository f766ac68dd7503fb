import { CLOUDS, CloudName, gatewayIn } from "./support/gateways";
import {
  AiGatewayProps,
  AzureAuth,
  Certificate,
  ConfigError,
  Database,
  Duration,
  EncryptionKey,
  Network,
  PrivateZone,
  Redis,
} from "cdktf-ai-gateway";
import { AlicloudPlatform } from "cdktf-ai-gateway/alicloud";
import { AwsPlatform } from "cdktf-ai-gateway/aws";

/** What the type system would stop in TypeScript still comes from JavaScript and from JSON. */
const untyped = (props: object): Partial<AiGatewayProps> => props;

const network = (...zones: string[]) =>
  Network.fromIds({ vpcId: "vpc-1", cidr: "10.0.0.0/16", subnets: zones.map((zone, index) => ({ id: `subnet-${index}`, zone })) });
const openai = (props: object) => untyped({ providers: { openai: props } });
const database = (props: object) => untyped({ database: Database.fromEndpoint({ host: "db.corp.example", ...props }) });
const tls = { certificate: Certificate.fromId("arn:aws:acm:eu-central-1:123456789012:certificate/0a1b"), domainName: "llm.corp.example" };

/** Each: what is given, and all that is said of it. */
const CASES: readonly [string, Partial<AiGatewayProps>, string | RegExp][] = [
  // Providers
  ["no provider", { providers: {} }, "providers: none is given"],
  ["an empty list of providers", { providers: [] }, "providers: none is given"],
  [
    "an unknown provider",
    untyped({ providers: { opnai: {} } }),
    'providers.opnai: "opnai" is not a kind of provider; did you mean "openai"?',
  ],
  [
    "an unknown provider in the short form",
    untyped({ providers: ["antropic"] }),
    'providers.antropic: "antropic" is not a kind of provider; did you mean "anthropic"?',
  ],
  [
    "an unknown kind",
    untyped({ providers: { mine: { kind: "openai-compatibel", models: ["a"] } } }),
    'providers.mine.kind: "openai-compatibel" is not a kind of provider; did you mean "openai-compatible"?',
  ],
  [
    "a provider of one's own without a base URL",
    { providers: { mine: { kind: "openai-compatible", models: ["a"] } } },
    "providers.mine.baseUrl: none is given; openai-compatible needs the endpoint",
  ],
  [
    "Azure without an endpoint",
    { providers: { azureOpenai: { models: ["a"] } } },
    "providers.azureOpenai.endpoint: none is given; azureOpenai needs the resource's endpoint",
  ],
  [
    "Azure without deployments",
    { providers: { azureOpenai: { endpoint: "https://x.openai.azure.com" } } },
    "providers.azureOpenai.models: none is given",
  ],
  ["an empty list of models", openai({ models: [] }), "providers.openai.models: none is given"],
  [
    "two providers that become one name",
    { providers: { openai: {}, OpenAI: { kind: "openai" } } },
    'providers: "openai" and "OpenAI" both become OPENAI; rename one',
  ],
  [
    "a provider's name with a space",
    { providers: { "my provider": { kind: "openai" } } },
    'providers.my provider: "my provider" is not a name of 1 to 31 letters',
  ],
  ["a provider's name with a template", { providers: { "${x y}": { kind: "openai" } } }, 'providers.${x y}: "${x y}" is not a name'],
  [
    "a base URL without a scheme",
    openai({ baseUrl: "api.corp.example" }),
    'providers.openai.baseUrl: "api.corp.example" is not an http:// or https:// address',
  ],
  [
    "a base URL with a slash at the end",
    openai({ baseUrl: "https://api.corp.example/" }),
    "is not an http:// or https:// address without query and trailing slash",
  ],
  [
    "a base URL with a template",
    openai({ baseUrl: "https://api.corp.example/%{if}" }),
    'providers.openai.baseUrl: "https://api.corp.example/%{if}" is not',
  ],
  [
    "a site that a provider does not have",
    openai({ site: "mainland" }),
    'providers.openai.site: "mainland" has no meaning for openai; it belongs to dashscope, moonshot and zhipu',
  ],
  [
    "an unknown site",
    untyped({ providers: { dashscope: { site: "internationl" } } }),
    'providers.dashscope.site: "internationl" is not a site; did you mean "international"?',
  ],
  [
    "a site and a base URL",
    { providers: { dashscope: { site: "mainland", baseUrl: "https://x.example" } } },
    "providers.dashscope: give either site or baseUrl, not both",
  ],
  ["Azure's auth elsewhere", openai({ auth: AzureAuth.apiKey() }), "has no meaning for openai; it belongs to azureOpenai"],
  ["a secret for Bedrock", { providers: { bedrock: { secretName: "x" } } }, 'providers.bedrock.secretName: "x" has no meaning for bedrock'],
  ["a region for OpenAI", openai({ awsRegion: "us-east-1" }), 'providers.openai.awsRegion: "us-east-1" has no meaning for openai'],
  ["a negative limit of a provider", openai({ rpmLimit: -5 }), "providers.openai.rpmLimit: -5 is not a whole number of at least 1"],
  ["a fractional limit of a provider", openai({ tpmLimit: 1.5 }), "providers.openai.tpmLimit: 1.5 is not a whole number of at least 1"],
  [
    "two default providers",
    { providers: { openai: { default: true }, deepseek: { default: true } } },
    'providers.deepseek.default: "openai" is the default provider already',
  ],
  ["a secret's name that the store does not take", openai({ secretName: "a b" }), 'providers.openai.secretName: "a b" is not'],
  ["a secret's name with quotes", openai({ secretName: 'a"b' }), 'providers.openai.secretName: "a\\"b" is not'],
  ["a secret's name with a newline", openai({ secretName: "a\nb" }), 'providers.openai.secretName: "a\\nb" is not'],
  // Models
  [
    "a model's name with a space",
    openai({ models: ["gpt 4"] }),
    'providers.openai.models[0].name: "gpt 4" is not a name of 1 to 128 letters',
  ],
  ["a model's name with a template", openai({ models: ["${x}"] }), 'providers.openai.models[0].name: "${x}" is not a name'],
  ["a model's name with quotes", openai({ models: ['gpt"4'] }), 'providers.openai.models[0].name: "gpt\\"4" is not a name'],
  ["a model's name that is not ASCII", openai({ models: ["通义"] }), 'providers.openai.models[0].name: "通义" is not a name'],
  [
    "an upstream name with a backslash",
    openai({ models: [{ name: "a", upstream: "a\\b" }] }),
    'providers.openai.models[0].upstream: "a\\\\b" is not a name',
  ],
  [
    "a deployment outside of Azure",
    openai({ models: [{ name: "a", deployment: "b" }] }),
    'providers.openai.models[0].deployment: "b" has no meaning for openai; use upstream',
  ],
  ["a weight of zero", openai({ models: [{ name: "a", weight: 0 }] }), "providers.openai.models[0].weight: 0 is not a number above 0"],
  ["a fractional order", openai({ models: [{ name: "a", order: 0.5 }] }), "providers.openai.models[0].order: 0.5 is not a whole number"],
  [
    "a negative price",
    openai({ models: [{ name: "a", price: { inputUsdPerMillionTokens: -1, outputUsdPerMillionTokens: 1 } }] }),
    "price.inputUsdPerMillionTokens: -1 is not a number of at least 0",
  ],
  [
    "an alias of an unknown model",
    { aliases: { fast: "gpt-4o-min" } },
    'aliases.fast: "gpt-4o-min" is not a model of this gateway; did you mean "gpt-4o-mini"?',
  ],
  ["an alias that is a model", { aliases: { "gpt-4o": "qwen-max" } }, 'aliases: "gpt-4o" is the name of a model already'],
  ["an alias with a template", { aliases: { "%{x}": "qwen-max" } }, 'aliases: "%{x}" is not a name'],
  // Routing
  [
    "an unknown strategy",
    untyped({ routing: { strategy: "cost-optimised" } }),
    'routing.strategy: "cost-optimised" is not a routing strategy; did you mean "cost-optimized"?',
  ],
  [
    "an unknown default model",
    { routing: { defaultModel: "gpt-5o" } },
    'routing.defaultModel: "gpt-5o" is not a model of this gateway; did you mean "gpt-4o"?',
  ],
  [
    "an unknown fallback model",
    { routing: { fallbackModel: "qwen-maxx" } },
    'routing.fallbackModel: "qwen-maxx" is not a model of this gateway; did you mean "qwen-max"?',
  ],
  [
    "a fallback to an unknown model",
    { routing: { fallbacks: { "gpt-4o": ["claude"] } } },
    'routing.fallbacks.gpt-4o: "claude" is not a model of this gateway',
  ],
  [
    "a fallback of an unknown model",
    { routing: { fallbacks: { gpt4o: ["qwen-max"] } } },
    'routing.fallbacks: "gpt4o" is not a model of this gateway; did you mean "gpt-4o"?',
  ],
  ["no fallback", { routing: { fallbacks: { "gpt-4o": [] } } }, "routing.fallbacks.gpt-4o: no fallback is given"],
  [
    "a loop of fallbacks",
    { routing: { fallbacks: { "gpt-4o": ["qwen-max"], "qwen-max": ["gpt-4o"] } } },
    "routing.fallbacks: gpt-4o -> qwen-max -> gpt-4o is a loop",
  ],
  [
    "a fallback to itself",
    { routing: { contextWindowFallbacks: { "gpt-4o": ["gpt-4o"] } } },
    "routing.contextWindowFallbacks: gpt-4o -> gpt-4o is a loop",
  ],
  ["a loop over the general fallback", { routing: { fallbackModel: "qwen-max", fallbacks: { "qwen-max": ["gpt-4o"] } } }, "is a loop"],
  [
    "two different default models",
    { providers: { openai: { models: ["a", "b"], default: true } }, routing: { defaultModel: "b" } },
    'routing.defaultModel: "b" differs from "a", the first model of "openai"',
  ],
  [
    "too long a timeout",
    { routing: { timeout: Duration.minutes(11) } },
    "routing.timeout: 11m is not a whole number of seconds from 1 to 600",
  ],
  ["fractional retries", { routing: { retries: 0.5 } }, "routing.retries: 0.5 is not a whole number from 0 to 10"],
  [
    "too long a cooldown",
    { routing: { cooldown: Duration.hours(2) } },
    "routing.cooldown: 2h is not a whole number of seconds from 0 to 3600",
  ],
  // The gateway
  ["a negative limit", { rpmLimit: -1 }, "rpmLimit: -1 is not a whole number of at least 1"],
  ["a fractional limit", { rpmLimit: 99.9 }, "rpmLimit: 99.9 is not a whole number of at least 1"],
  ["a limit that is no number", { rpmLimit: Number.NaN }, "rpmLimit: NaN is not a whole number of at least 1"],
  ["a cache for no time", { cache: { ttl: Duration.seconds(0) } }, "cache.ttl: 0s is not a whole number of seconds from 1"],
  ["an unknown time zone", { timezone: "Asia/Shangai" }, 'timezone: "Asia/Shangai" is not an IANA time zone such as "Asia/Shanghai"'],
  [
    "a release with malware",
    { litellmRelease: "1.82.7" },
    "litellmRelease: LiteLLM 1.82.7 is refused: the PyPI package of 2026-03-24 carried malware",
  ],
  ["a release with malware on every registry", { litellmRelease: "1.107.0" }, "litellmRelease: LiteLLM 1.107.0 is refused"],
  ["a release with holes", { litellmRelease: "1.83.7" }, "litellmRelease: LiteLLM 1.83.7 is refused: it has known holes"],
  [
    "a release without a lock file",
    { litellmRelease: "1.106.3" },
    "requirementsFile: none is given, and the lock file that comes along is for LiteLLM 1.106.12, not 1.106.3",
  ],
  [
    "a lock file that is not there",
    { litellmRelease: "1.106.3", requirementsFile: "no/such.lock" },
    'requirementsFile: "no/such.lock" can not be read',
  ],
  ["a lock file of another release", { requirementsFile: __filename }, "does not lock litellm==1.106.12"],
  ["a name with upper case", { name: "Gateway" }, 'name: "Gateway" is not'],
  ["a name that is too long", { name: "a-name-of-more-than-24-letters" }, 'name: "a-name-of-more-than-24-letters" is not'],
  ["a name with a template", { name: "gw-%{x}" }, 'name: "gw-%{x}" is not'],
  ["a name with quotes", { name: 'gw"' }, 'name: "gw\\"" is not'],
  ["a name with a newline", { name: "gw\n" }, 'name: "gw\\n" is not'],
  ["a name that is not ASCII", { name: "网关" }, 'name: "网关" is not'],
  ["an empty name", { name: "" }, 'name: "" is not'],
  // Network
  ["one zone", { network: network("eu-central-1a", "eu-central-1a") }, "network.subnets: eu-central-1a is not at least two zones"],
  ["no subnet", { network: network() }, "network.subnets: no zone is not at least two zones"],
  [
    "an id with quotes",
    { network: Network.fromIds({ vpcId: 'vpc"', subnets: network("a", "b").subnets }) },
    'network.vpcId: "vpc\\"" is not the id of a VPC',
  ],
  [
    "a range that is none",
    { network: { ...network("a", "b"), cidr: "10.0.0.0" } },
    'network.cidr: "10.0.0.0" is not an IPv4 address range',
  ],
  ["agents from everywhere", { agentsFrom: ["0.0.0.0/0"] }, 'agentsFrom: "0.0.0.0/0" is the whole world'],
  ["administration from everywhere", { adminFrom: ["10.0.0.0/8", "0.0.0.0/0"] }, 'adminFrom: "0.0.0.0/0" is the whole world'],
  ["administration from everywhere in IPv6", { adminFrom: ["::/0"] }, 'adminFrom: "::/0" is'],
  ["half of the world", { agentsFrom: ["128.0.0.0/1"] }, 'agentsFrom: "128.0.0.0/1" is the whole world'],
  ["a range of agents that is none", { agentsFrom: ["vpc"] }, 'agentsFrom: "vpc" is not an IPv4 address range'],
  ["a way out that is none", { egressTo: ["internet"] }, 'egressTo: "internet" is not an IPv4 address range'],
  // Cluster
  ["one node", { minNodes: 1 }, "minNodes: 1 is not a whole number from 2 to 1000"],
  ["a fractional number of nodes", { minNodes: 2.5 }, "minNodes: 2.5 is not a whole number from 2 to 1000"],
  ["fewer nodes at most than at least", { minNodes: 4, maxNodes: 3 }, "maxNodes: 3 is not a whole number from 4 to 1000"],
  ["fixed and scaling", { fixedNodes: 2, maxNodes: 4 }, "fixedNodes: give either fixedNodes or maxNodes, not both"],
  ["one fixed node", { fixedNodes: 1 }, "fixedNodes: 1 is not a whole number from 2 to 100"],
  ["a full CPU", { cpuTargetPercent: 100 }, "cpuTargetPercent: 100 is not a whole number from 10 to 90"],
  ["a small disk", { diskSizeGib: 8 }, "diskSizeGib: 8 is not a whole number from 20 to 500"],
  ["too seldom a refresh", { refreshInterval: Duration.days(2) }, "refreshInterval: 2d is not a whole number of seconds from 60 to 86400"],
  ["a certificate without a name", { certificate: tls.certificate }, "domainName: none is given; a certificate holds for a name"],
  ["a name without a certificate", { domainName: "llm.corp.example" }, 'certificate: none is given for domainName "llm.corp.example"'],
  ["a name of one label", { ...tls, domainName: "llm" }, 'domainName: "llm" is not a lower-case domain name'],
  [
    "a name outside of its zone",
    { ...tls, privateZone: PrivateZone.fromId({ zoneId: "Z1", zoneName: "other.example" }) },
    'domainName: "llm.corp.example" does not lie in the privateZone "other.example"',
  ],
  [
    "a zone without a name",
    { privateZone: PrivateZone.fromId({ zoneId: "Z1", zoneName: "corp.example" }) },
    'privateZone: "corp.example" has no use without domainName',
  ],
  ["a type of instance that is none", { instanceType: "large" }, 'instanceType: "large" is not'],
  ["an image that is none", { imageId: "ubuntu" }, 'imageId: "ubuntu" is not'],
  ["a host with a scheme", database({ host: "https://db" }), 'database.host: "https://db" is not a host name without scheme and port'],
  [
    "a host with a port",
    untyped({ redis: Redis.fromEndpoint({ host: "redis:6379" }) }),
    'redis.host: "redis:6379" is not a host name without scheme and port',
  ],
  ["a port that is none", database({ port: 70_000 }), "database.port: 70000 is not a whole number from 1 to 65535"],
  ["a database's name with a template", database({ database: "${x y}" }), 'database.database: "${x y}" is not a name'],
  ["a log for half a day", { logRetention: Duration.hours(12) }, /^logRetention.*: 0\.5.* is not/],
  ["a key with quotes", { encryptionKey: EncryptionKey.fromId('key"') }, 'encryptionKey: "key\\"" is not the'],
  ["a key with a template", { encryptionKey: EncryptionKey.fromId("%{x}") }, 'encryptionKey: "%{x}" is not the'],
  [
    "a zone's id with quotes",
    { ...tls, privateZone: PrivateZone.fromId({ zoneId: 'Z"', zoneName: "corp.example" }) },
    'privateZone.zoneId: "Z\\"" is not the id',
  ],
  [
    "a zone's name with a template",
    { ...tls, privateZone: PrivateZone.fromId({ zoneId: "Z1", zoneName: "%{x}.example" }) },
    'privateZone.zoneName: "%{x}.example" is not',
  ],
  [
    "a region of Bedrock with a newline",
    { providers: { bedrock: { awsRegion: "us\n" } } },
    'providers.bedrock.awsRegion: "us\\n" is not a region',
  ],
  [
    "a version of Azure's API with quotes",
    { providers: { azureOpenai: { endpoint: "https://x.example", models: ["a"], apiVersion: '"' } } },
    'providers.azureOpenai.apiVersion: "\\"" is not a version',
  ],
  ["a user of the database with a space", database({ user: "a b" }), 'database.user: "a b" is not a name'],
  [
    "a field of the database's secret with quotes",
    database({ secretField: '"' }),
    'database.secretField: "\\"" is not the name of a field',
  ],
  ["a lifetime that is no Duration", untyped({ cache: { ttl: 600 } }), "cache.ttl: 600 is not a Duration such as Duration.minutes(10)"],
  ["a retention that is no Duration", untyped({ logRetention: 30 }), "logRetention: 30 is not a Duration"],
  ["a provider that is null", untyped({ providers: { openai: null } }), "providers.openai: null is not an object"],
  ["providers that are a text", untyped({ providers: "openai" }), 'providers: "openai" is not a list or an object'],
  ["no database", untyped({ database: undefined }), "database: none is given"],
  ["a range that is no list", untyped({ agentsFrom: "10.0.0.0/16" }), 'agentsFrom: "10.0.0.0/16" is not a list'],
  [
    "fallbacks that are no list",
    untyped({ routing: { fallbacks: { "gpt-4o": "qwen-max" } } }),
    'routing.fallbacks.gpt-4o: "qwen-max" is not a list',
  ],
  ["a misspelt removal", untyped({ removal: "destory" }), 'removal: "destory" is not one of "retain", "destroy"'],
  [
    "a package index without TLS",
    { pythonIndex: "http://mirror.corp/simple" },
    'pythonIndex: "http://mirror.corp/simple" is not an https URL, such as "https://mirror.example/simple/"',
  ],
  [
    "a mirror with a user",
    { engineMirror: "https://me@mirror.corp/prisma" },
    "engineMirror: it holds a user name or password; give a URL without one",
  ],
  ["a mirror with a password", { engineMirror: "https://me:word@mirror.corp/prisma" }, "engineMirror: looks like a secret's value"],
  [
    "an image by tag",
    { containerImage: "ghcr.io/berriai/litellm-non_root:v1.106.12" },
    'containerImage: "ghcr.io/berriai/litellm-non_root:v1.106.12" is not an image by digest, such as "ghcr.io/',
  ],
  ["an image with a short digest", { containerImage: "ghcr.io/berriai/litellm@sha256:0a1b" }, "is not an image by digest"],
  ["an image of no registry", { containerImage: `litellm@sha256:${"0".repeat(64)}` }, "is not an image by digest"],
  ["an image that only Terraform knows", { containerImage: "${data.x.y}" }, 'containerImage: "${data.x.y}" is not an image by digest'],
  ["an image that is no text", untyped({ containerImage: 5 }), "containerImage: 5 is not a text"],
  [
    "the image that carried malware, from whatever registry",
    {
      containerImage: "mirror.corp:5000/litellm@sha256:1bbcb1443bc962e45f5aad53fe3d2c30600e0379715fb6c664cdd3ac126c339e",
    },
    "containerImage: sha256:1bbcb1443bc962e45f5aad53fe3d2c30600e0379715fb6c664cdd3ac126c339e is refused: the image of LiteLLM 1.107.0",
  ],
  [
    "a parameter that no caller may use",
    { extraParameters: ["top_a", "api_key"] },
    'extraParameters: "api_key" would let a caller change credentials, headers, provider or logging; it never passes',
  ],
  ["a parameter that is none", { extraParameters: ["a b"] }, 'extraParameters: "a b" is not the name of a request\'s parameter'],
  [
    "a route that takes no parameters",
    untyped({ extraParameters: { chatt: ["min_p"] } }),
    'extraParameters: "chatt" is not a route that takes parameters; did you mean "chat"?',
  ],
  [
    "a parameter of one route that no caller may use",
    { extraParameters: { chat: ["extra_body"] } },
    'extraParameters: "extra_body" would let a caller change credentials',
  ],
  ["ids that nobody knows", untyped({ openedIds: ["file"] }), 'openedIds: "file" is not what can be opened; did you mean "files"?'],
  ["a request of no size", { maxRequestMib: 0 }, "maxRequestMib: 0 is not a whole number from 1 to 512"],
  ["a request of half a gigabyte and more", { maxRequestMib: 513 }, "maxRequestMib: 513 is not a whole number from 1 to 512"],
  ["a size that is a text", untyped({ maxRequestMib: "32" }), 'maxRequestMib: "32" is not a number'],
  [
    "a size that only Terraform knows",
    { maxRequestMib: -1.888154589709e289 },
    "maxRequestMib: a value that only Terraform knows is not a whole number from 1 to 512",
  ],
  ["nobody who may wait", { maxWaiting: 0 }, "maxWaiting: 0 is not a whole number from 1 to 10000"],
  [
    "a cache that is shared by a word",
    untyped({ cache: { ttl: Duration.minutes(1), shared: "yes" } }),
    'cache.shared: "yes" is not true or false',
  ],
  ["no worker", { workers: 0 }, "workers: 0 is not a whole number from 1 to 64"],
  ["a misspelt whenLogIsFull", untyped({ whenLogIsFull: "wait" }), 'whenLogIsFull: "wait" is not one of "refuse", "serve"'],
  ["a misspelt limitsWithoutRedis", untyped({ limitsWithoutRedis: "x" }), 'limitsWithoutRedis: "x" is not one of "refuse", "serve"'],
  ["a misspelt provisioning", untyped({ provisioning: "runners" }), 'provisioning: "runners" is not one of "runner", "gateway", "none"'],
  ["a misspelt prop", untyped({ rpmlimit: 10 }), 'rpmlimit: "rpmlimit" is not a prop; did you mean "rpmLimit"?'],
  [
    "a misspelt prop of an agent",
    untyped({ agents: { a: { dailyToken: 5 } } }),
    'agents.a.dailyToken: "dailyToken" is not a prop; did you mean "dailyTokens"?',
  ],
  ["a misspelt prop of a provider", openai({ rpm: 5 }), 'providers.openai.rpm: "rpm" is not a prop'],
  [
    "a misspelt prop of a model",
    openai({ models: [{ name: "a", upstreem: "b" }] }),
    'providers.openai.models[0].upstreem: "upstreem" is not a prop; did you mean "upstream"?',
  ],
  [
    "a misspelt prop of the routing",
    untyped({ routing: { fallback: "x" } }),
    'routing.fallback: "fallback" is not a prop; did you mean "fallbacks"?',
  ],
  [
    "a strategy that every object has",
    untyped({ routing: { strategy: "toString" } }),
    'routing.strategy: "toString" is not a routing strategy',
  ],
  [
    "a base URL for Azure",
    untyped({ providers: { azureOpenai: { baseUrl: "https://x.example", endpoint: "https://x.example", models: ["a"] } } }),
    "has no meaning for azureOpenai",
  ],
  [
    "a provider named like a secret of the gateway's",
    { providers: { "master-key": { kind: "openai" } } },
    "providers.master-key: the gateway keeps a secret of its own under this name",
  ],
  [
    "a loop through an alias",
    { aliases: { fast: "gpt-4o" }, routing: { fallbacks: { "gpt-4o": ["fast"] } } },
    "routing.fallbacks: gpt-4o -> gpt-4o is a loop",
  ],
  ["a reference and rubbish", { instanceType: '${terraform.workspace}%{if "}' }, "instanceType: "],
  [
    "a number of nodes that only Terraform knows",
    { minNodes: -1.888154589709e289 },
    "minNodes: a value that only Terraform knows is not a whole number",
  ],
  ["a placeholder for a range", { agentsFrom: ["x"] }, 'agentsFrom: "x" is not an IPv4 address range'],
  ["a range beyond 255", { egressTo: ["999.1.1.1/16"] }, 'egressTo: "999.1.1.1/16" is not an IPv4 address range'],
  ["a port that is open to nothing", { egressPorts: [0] }, "egressPorts: 0 is not a whole number from 1 to 65535"],
  ["a release without its schema", { litellmRelease: "1.106.3", requirementsFile: __filename }, "prismaClientFile: null can not be read"],
  // Agents
  [
    "an agent of an unknown model",
    { agents: { a: { models: ["gpt-4o-mni"] } } },
    'agents.a.models: "gpt-4o-mni" is not a model of this gateway; did you mean "gpt-4o-mini"?',
  ],
  ["an agent that may call nothing", { agents: { a: { models: [] } } }, "agents.a.models: [] allows nothing"],
  ["a negative limit of an agent", { agents: { a: { qpm: -1 } } }, "agents.a.qpm: -1 is not a whole number of at least 1"],
  [
    "a fractional limit of an agent",
    { agents: { a: { dailyTokens: 1.5 } } },
    "agents.a.dailyTokens: 1.5 is not a whole number of at least 1",
  ],
  ["a zero limit of an agent", { agents: { a: { tpm: 0 } } }, "agents.a.tpm: 0 is not a whole number of at least 1"],
  ["a negative budget", { agents: { a: { dailyBudgetUsd: -1 } } }, "agents.a.dailyBudgetUsd: -1 is not a number above 0"],
  [
    "a budget that has no end",
    { agents: { a: { dailyBudgetUsd: Infinity } } },
    "agents.a.dailyBudgetUsd: Infinity is not a number above 0",
  ],
  [
    "an agent's limit that only Terraform knows",
    { agents: { a: { qpm: -1.888154589709e289 } } },
    "agents.a.qpm: a value that only Terraform knows is not a whole number",
  ],
  [
    "agents that collide after cleaning",
    { agents: { "code.agent": {}, "Code-Agent": {} } },
    'agents: "code.agent" and "Code-Agent" both become "code-agent"; rename one',
  ],
  ["an agent's name with a space", { agents: { "code agent": {} } }, 'agents: "code agent" is not a name of 1 to 63 letters'],
  ["an agent's name with a template", { agents: { "${x}": {} } }, 'agents: "${x}" is not a name'],
  ["an agent's name with quotes", { agents: { 'a"': {} } }, 'agents: "a\\"" is not a name'],
  ["a runner that can not reach the gateway", { provisioning: "runner" }, 'provisioning: "runner" needs adminFrom'],
];

const problemsOf = (cloud: CloudName, props: Partial<AiGatewayProps>): readonly string[] => {
  try {
    gatewayIn(cloud, props);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

describe.each(Object.keys(CLOUDS) as CloudName[])("on %s", (cloud) => {
  it.each(CASES)("%s", (_, props, message) => {
    const expected: unknown = typeof message === "string" ? expect.stringContaining(message) : expect.stringMatching(message);
    expect(problemsOf(cloud, props)).toContainEqual(expected);
  });

  it("tells the problems of several props together, each once", () => {
    const problems = problemsOf(cloud, {
      name: "X",
      rpmLimit: 0,
      minNodes: 1,
      agentsFrom: ["0.0.0.0/0"],
      providers: { openai: { rpmLimit: -1 } },
    });
    expect(problems.map((problem) => problem.split(":")[0])).toEqual([
      "minNodes",
      "name",
      "agentsFrom",
      "providers.openai.rpmLimit",
      "rpmLimit",
    ]);
  });
});

it("Bedrock needs nodes whose role can call it", () => {
  expect(problemsOf("alicloud", { providers: { bedrock: {} } })).toEqual([expect.stringContaining("AWS")]);
  expect(problemsOf("aws", { providers: { bedrock: {} } })).toEqual([]);
});

describe("a platform", () => {
  const platforms = {
    aws: (props: object) => new AwsPlatform({ region: "eu-central-1", ...props }),
    alicloud: (props: object) => new AlicloudPlatform({ region: "cn-shanghai", ...props }),
  };

  it.each(
    Object.entries(platforms).flatMap(
      ([cloud, make]) =>
        [
          [cloud, make, { region: 'eu"' }, 'region: "eu\\"" is not'],
          [cloud, make, { region: "%{x}" }, 'region: "%{x}" is not'],
          [cloud, make, { accountId: "one" }, 'accountId: "one" is not'],
          [cloud, make, { tags: { team: "${x y}" } }, 'tags.team: "${x y}" is not'],
          [cloud, make, { tags: { team: 'a"b' } }, 'tags.team: "a\\"b" is not'],
          [cloud, make, { tags: { "a\nb": "c" } }, 'tags: "a\\nb" is not'],
        ] as const,
    ),
  )("of %s refuses %j", (_, make, props, message) => {
    expect(() => make(props)).toThrow(message);
  });

  it.each(Object.values(platforms).map((make) => [make]))("takes tags in any script, and references", (make) => {
    expect(() => make({ tags: { team: "平台", workspace: "${terraform.workspace}" } })).not.toThrow();
  });
});

it("outputs take a prefix that can start a name", () => {
  expect(() => gatewayIn("aws").gateway.registerOutputs("my gateway")).toThrow('registerOutputs: "my gateway" is not a prefix');
});
