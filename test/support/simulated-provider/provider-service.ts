import { resolve } from "node:path";
import {
  loadPackageDefinition,
  type GrpcObject,
  type handleUnaryCall,
  type ServiceClientConstructor,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { readDataSource } from "./data-sources";
import { planResource } from "./plan";
import { problemsOf } from "./rules";
import { toProtocolSchema, type Block, type ProviderSchema, type Schema } from "./schema";
import { Refusal, type SimulatedCloud } from "./simulated-cloud";
import { asMap, decodeValue, encodeValue, type DynamicValue, type Value } from "./wire";

/** The fields that requests have; each call has some of them. */
interface Request {
  readonly type_name: string;
  readonly config: DynamicValue | null;
  readonly prior_state: DynamicValue | null;
  readonly proposed_new_state: DynamicValue | null;
  readonly planned_state: DynamicValue | null;
  readonly current_state: DynamicValue | null;
  readonly raw_state: { readonly json: Uint8Array } | null;
}

type Call = (request: Request) => object;

/** The service definition of plugin protocol 6. */
export function providerDefinition(): ServiceDefinition {
  const file = resolve(__dirname, "tfplugin6.proto");
  const loaded = loadPackageDefinition(loadSync(file, { keepCase: true, enums: String, bytes: Buffer, defaults: true, longs: Number }));
  return ((loaded.tfplugin6 as GrpcObject).Provider as ServiceClientConstructor).service;
}

/** One provider: its schema on one side, its cloud on the other. */
export function providerService(schema: ProviderSchema, cloud: SimulatedCloud): UntypedServiceImplementation {
  const resources = schema.resource_schemas ?? {};
  const dataSources = schema.data_source_schemas ?? {};
  const server_capabilities = { plan_destroy: false, get_provider_schema_optional: false };
  // As plugin SDK 1 does: Terraform then accepts defaults in plans, and values that a refresh corrects.
  const legacy_type_system = true;
  const schemas = {
    provider: toProtocolSchema(schema.provider ?? {}),
    resource_schemas: toProtocolSchemas(resources),
    data_source_schemas: toProtocolSchemas(dataSources),
    server_capabilities,
  };

  const calls: Record<string, Call> = {
    GetMetadata: () => ({ server_capabilities, resources: typeNames(resources), data_sources: typeNames(dataSources) }),
    GetProviderSchema: () => schemas,
    GetResourceIdentitySchemas: () => ({}),
    ValidateProviderConfig: () => ({}),
    ConfigureProvider: ({ config }) => {
      const { region } = asMap(decodeValue(config));
      if (typeof region === "string" && region !== "") cloud.region = region;
      return {};
    },
    ValidateDataResourceConfig: () => ({}),
    ValidateResourceConfig: ({ type_name, config }) => ({
      diagnostics: problemsOf(type_name, asMap(decodeValue(config)), "provider").map(({ rule, text }) => ({
        ...diagnostic(text),
        attribute: { steps: [{ attribute_name: rule.attribute.split(".")[0] }] },
      })),
    }),
    UpgradeResourceState: ({ raw_state }) => ({ upgraded_state: encodeValue(decodeValue({ json: raw_state?.json })) }),
    ReadResource: ({ type_name, current_state }) => {
      const state = decodeValue(current_state);
      return { new_state: encodeValue(state === null ? null : cloud.refresh(type_name, asMap(state))) };
    },
    PlanResourceChange: ({ type_name, prior_state, proposed_new_state }) => {
      const [prior, proposed] = [decodeValue(prior_state), decodeValue(proposed_new_state)];
      if (proposed === null) return { planned_state: encodeValue(null), legacy_type_system };
      const { planned, replacedBy } = planResource(
        type_name,
        cloud.block(type_name),
        asMap(proposed),
        prior === null ? null : asMap(prior),
      );
      const requires_replace = replacedBy.map((attribute_name) => ({ steps: [{ attribute_name }] }));
      return { planned_state: encodeValue(planned), requires_replace, legacy_type_system };
    },
    ApplyResourceChange: ({ type_name, prior_state, planned_state, config }) => {
      const [prior, planned] = [decodeValue(prior_state), decodeValue(planned_state)];
      try {
        return { new_state: encodeValue(applied(cloud, type_name, prior, planned, decodeValue(config))), legacy_type_system };
      } catch (error) {
        return { new_state: encodeValue(prior), diagnostics: [refused(error)], legacy_type_system };
      }
    },
    ReadDataSource: ({ type_name, config }) => ({
      state: encodeValue(readDataSource(type_name, blockOf(dataSources, type_name), asMap(decodeValue(config)), cloud.region)),
    }),
    StopProvider: () => ({}),
  };
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, unary(call)]));
}

function applied(cloud: SimulatedCloud, type: string, prior: Value, planned: Value, config: Value): Value {
  if (planned === null) {
    cloud.destroy(type, asMap(prior));
    return null;
  }
  if (prior === null) return cloud.create(type, asMap(planned), asMap(config));
  return cloud.update(type, asMap(prior), asMap(planned), asMap(config));
}

function unary(call: Call): handleUnaryCall<Request, object> {
  return ({ request }, reply) => {
    try {
      reply(null, call(request));
    } catch (error) {
      reply(null, { diagnostics: [refused(error)] });
    }
  };
}

/** A refusal by its words; anything else is a fault of the simulation and says where. */
function refused(error: unknown): object {
  if (error instanceof Refusal) return diagnostic(error.message);
  return diagnostic(`fault in the simulated provider: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
}

function diagnostic(summary: string): object {
  return { severity: "ERROR", summary, detail: summary };
}

function toProtocolSchemas(schemas: Record<string, Schema>): Record<string, object> {
  return Object.fromEntries(Object.entries(schemas).map(([type, schema]) => [type, toProtocolSchema(schema)]));
}

function typeNames(schemas: Record<string, Schema>): object[] {
  return Object.keys(schemas).map((type_name) => ({ type_name }));
}

function blockOf(schemas: Record<string, Schema>, type: string): Block {
  return schemas[type]?.block ?? {};
}
