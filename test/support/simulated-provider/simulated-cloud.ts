import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { disagreementOf, leftBehind } from "./agreements";
import { complete } from "./invented";
import { planResource } from "./plan";
import { NONCURRENT_OBJECT, protectionOf } from "./protections";
import { namedBy, REFERENCES } from "./references";
import { problemsOf } from "./rules";
import { conform, type Block, type ProviderSchema } from "./schema";
import { groupMembers, settle } from "./settle";
import { uniqueAttributes, uniqueName } from "./unique-names";
import { canonical, textOf, UNKNOWN, Unknown, type Value, type ValueMap } from "./wire";

/** One thing in a simulated cloud. */
export interface SimulatedResource {
  readonly type: string;
  readonly id: string;
  readonly attributes: Readonly<ValueMap>;
}

/** The cloud says no. */
export class Refusal extends Error {}

interface Kept {
  readonly type: string;
  readonly state: ValueMap;
}

interface Contents {
  readonly resources: Record<string, Kept>;
  readonly created: Record<string, number>;
}

/** A cloud that lives in one JSON file, so that separate Terraform processes see the same. */
export class SimulatedCloud {
  /** From the provider block. */
  public region = "cn-shanghai";
  private readonly resources: Map<string, Kept>;
  /** How often each name was created; makes ids that repeat from run to run and still differ after a replacement. */
  private readonly created: Map<string, number>;

  constructor(
    private readonly file: string,
    private readonly schema: ProviderSchema,
  ) {
    const contents = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Contents) : { resources: {}, created: {} };
    this.resources = new Map(Object.entries(contents.resources));
    this.created = new Map(Object.entries(contents.created));
  }

  /** Every resource of a type, in the order of creation. */
  public list(type: string): SimulatedResource[] {
    return [...this.resources.values()]
      .filter((resource) => resource.type === type)
      .map(({ state }) => ({ type, id: textOf(state.id), attributes: this.live(type, state) }));
  }

  /** The attributes of a resource as the cloud shows them now, or nothing. */
  public read(type: string, id: string): ValueMap | undefined {
    const found = [...this.resources.values()].find(({ type: its, state }) => its === type && state.id === id);
    return found && this.live(type, found.state);
  }

  /** Changes a resource by hand, behind Terraform's back. */
  public change(type: string, id: string, attributes: ValueMap): void {
    const [key, { state }] = this.entry(type, id);
    this.resources.set(key, { type, state: conform(this.block(type), { ...state, ...attributes }) });
    this.save();
  }

  /** Deletes a resource by hand, past every protection. */
  public delete(type: string, id: string): void {
    const [key] = this.entry(type, id);
    this.resources.delete(key);
    this.save();
  }

  /** Makes a resource by hand, for what exists before Terraform comes. The cloud's rules hold. */
  public add(type: string, attributes: ValueMap): SimulatedResource {
    const block = this.block(type);
    const { planned } = planResource(type, block, conform(block, attributes), null);
    const state = this.create(type, planned, conform(block, attributes));
    return { type, id: textOf(state.id), attributes: state };
  }

  public create(type: string, planned: ValueMap, config: ValueMap): ValueMap {
    this.refuseProblems(type, config);
    const base = settle(type, undefined, planned);
    const nameKey = `${type} ${uniqueName(type, base) ?? canonical(base)}`;
    const count = (this.created.get(nameKey) ?? 0) + 1;
    const seed = createHash("md5").update(`${nameKey} ${count}`).digest("hex");
    const state = settle(type, undefined, complete(type, this.block(type), base, { seed, region: this.region }));
    this.refuseTakenName(type, state);
    this.refuseMissingReferences(type, state);
    this.refuseDisagreement(type, state);
    this.created.set(nameKey, count);
    this.resources.set(keyOf(type, state), { type, state });
    this.save();
    return this.live(type, state);
  }

  public update(type: string, prior: ValueMap, planned: ValueMap, config: ValueMap): ValueMap {
    this.refuseProblems(type, config);
    const [key] = this.entry(type, textOf(prior.id), prior);
    const completed = complete(type, this.block(type), planned, { seed: createHash("md5").update(key).digest("hex"), region: this.region });
    const state = settle(type, prior, completed);
    this.refuseMissingReferences(type, state);
    this.refuseDisagreement(type, state, prior);
    this.resources.set(key, { type, state: type === "alicloud_alb_server_group" ? this.withoutMembers(state) : state });
    this.save();
    return this.live(type, state);
  }

  public destroy(type: string, prior: ValueMap): void {
    const key = keyOf(type, prior);
    const state = this.resources.get(key)?.state;
    if (!state) return;
    const protection = protectionOf(type, { ...state, ...clientSideOf(type, prior) }, this);
    if (protection) throw new Refusal(`${type} ${textOf(state.id)}: ${protection}`);
    this.refuseWhileHeld(type, state);
    this.resources.delete(key);
    this.keepVersions(type, state);
    const left = leftBehind(type, { ...state, ...clientSideOf(type, prior) });
    if (left !== undefined) this.resources.set(keyOf(left.type, left.state), left);
    this.save();
  }

  /** The resource as a refresh sees it; null once it is gone. */
  public refresh(type: string, state: ValueMap): ValueMap | null {
    const found = this.resources.get(keyOf(type, state));
    return found ? this.live(type, found.state) : null;
  }

  public block(type: string): Block {
    const block = this.schema.resource_schemas?.[type]?.block;
    if (!block) throw new Error(`${type} is not in the schema`);
    return block;
  }

  /** A server group shows the instances that scaling groups attached to it. */
  private live(type: string, state: ValueMap): ValueMap {
    if (type !== "alicloud_alb_server_group") return { ...state };
    const own = this.withoutMembers(state);
    const servers = [...(Array.isArray(own.servers) ? own.servers : []), ...this.members(textOf(state.id))];
    return conform(this.block(type), { ...own, servers });
  }

  private withoutMembers(state: ValueMap): ValueMap {
    const members = this.members(textOf(state.id)).map((member) => member.server_id);
    const servers = Array.isArray(state.servers) ? state.servers : [];
    return { ...state, servers: servers.filter((server) => !members.includes((server as ValueMap).server_id ?? null)) };
  }

  private members(serverGroupId: string): ValueMap[] {
    const groups = [...this.resources.values()].filter(({ type }) => type === "alicloud_ess_scaling_group");
    return groups.flatMap(({ state }) => groupMembers(state, serverGroupId));
  }

  private refuseProblems(type: string, config: ValueMap): void {
    const [first] = problemsOf(type, config);
    if (first) throw new Refusal(`InvalidParameter: ${first.text}`);
  }

  private refuseTakenName(type: string, state: ValueMap): void {
    const name = uniqueName(type, state);
    const taken =
      name !== undefined && [...this.resources.values()].some((other) => other.type === type && uniqueName(type, other.state) === name);
    if (taken || this.resources.has(keyOf(type, state))) {
      throw new Refusal(`AlreadyExists: ${type}: ${uniqueAttributes(type) || "id"} ${name ?? textOf(state.id)} is taken already`);
    }
  }

  private refuseMissingReferences(type: string, state: ValueMap): void {
    for (const reference of REFERENCES[type] ?? []) {
      const targets = this.list(reference.target).map(({ attributes }) => attributes[reference.by ?? "id"]);
      const missing = namedBy(reference, state).find((name) => !targets.includes(name));
      if (missing !== undefined)
        throw new Refusal(`NotFound: ${type}: ${reference.attribute}: there is no ${reference.target} "${missing}"`);
    }
  }

  private refuseDisagreement(type: string, state: ValueMap, prior?: ValueMap): void {
    const disagreement = disagreementOf(type, state, this, prior);
    if (disagreement) throw new Refusal(disagreement);
  }

  private refuseWhileHeld(type: string, state: ValueMap): void {
    if (state.force === true) return;
    for (const { type: holder, state: other } of [...this.resources.values()]) {
      const holds = (REFERENCES[holder] ?? []).filter((reference) => reference.holds && reference.target === type);
      if (holder === type && other.id === state.id) continue;
      if (holds.some((reference) => namedBy(reference, other).includes(textOf(state[reference.by ?? "id"])))) {
        throw new Refusal(`DeleteConflict: ${type} ${textOf(state.id)} is in use by ${holder} ${textOf(other.id)}`);
      }
    }
  }

  /** Deleting an object of a versioned bucket leaves its versions; deleting the bucket takes all with it. */
  private keepVersions(type: string, state: ValueMap): void {
    if (type === "alicloud_oss_bucket") {
      const inside = ["alicloud_oss_bucket_object", NONCURRENT_OBJECT];
      for (const [key, other] of [...this.resources]) {
        if (inside.includes(other.type) && other.state.bucket === state.bucket) this.resources.delete(key);
      }
    }
    if (type !== "alicloud_oss_bucket_object") return;
    const bucket = this.list("alicloud_oss_bucket").find(({ id }) => id === state.bucket);
    const split = this.list("alicloud_oss_bucket_versioning").find(({ id }) => id === state.bucket);
    const versioning = Array.isArray(bucket?.attributes.versioning) ? bucket.attributes.versioning : [];
    const on = split?.attributes.status === "Enabled" || versioning.some((element) => (element as ValueMap).status === "Enabled");
    if (on)
      this.resources.set(`${NONCURRENT_OBJECT}/${keyOf(type, state)}`, {
        type: NONCURRENT_OBJECT,
        state: { id: state.id ?? null, bucket: state.bucket ?? null },
      });
  }

  private entry(type: string, id: string, prior?: ValueMap): [string, { state: ValueMap }] {
    const found = [...this.resources].find(
      ([key, { type: its, state }]) => its === type && (prior ? key === keyOf(type, prior) : state.id === id),
    );
    if (!found) throw new Refusal(`NotFound: there is no ${type} "${id}"`);
    return found;
  }

  private save(): void {
    const contents: Contents = { resources: Object.fromEntries(this.resources), created: Object.fromEntries(this.created) };
    writeFileSync(`${this.file}.tmp`, JSON.stringify(contents, withoutUnknown, 1));
    renameSync(`${this.file}.tmp`, this.file);
  }
}

/** Where a resource is kept; ids alone are not enough for objects, whose id is the key in their bucket. */
function keyOf(type: string, state: ValueMap): string {
  return type === "alicloud_oss_bucket_object" ? `${type}/${textOf(state.bucket)}/${textOf(state.id)}` : `${type}/${textOf(state.id)}`;
}

/** Arguments that only Terraform's state knows, not the cloud; they count when Terraform destroys. */
const CLIENT_SIDE: Readonly<Record<string, string>> = {
  alicloud_oss_bucket: "force_destroy",
  alicloud_kms_secret: "force_delete_without_recovery",
};

function clientSideOf(type: string, prior: ValueMap): ValueMap {
  const name = CLIENT_SIDE[type];
  return name === undefined ? {} : { [name]: prior[name] ?? null };
}

function withoutUnknown(_key: string, value: Value): Value {
  if (value === UNKNOWN || value instanceof Unknown) throw new Error("an unknown value reached the cloud");
  return value;
}
