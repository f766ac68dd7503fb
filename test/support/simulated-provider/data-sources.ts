import { createHash } from "node:crypto";
import { ACCOUNT_ID } from "./invented";
import { elementsAt } from "./paths";
import { conform, type Block } from "./schema";
import { Refusal } from "./simulated-cloud";
import { textOf, type ValueMap } from "./wire";

const VPC = "vpc-simulated";
const ZONES = ["l", "m", "n"];

/** Public images, oldest first. */
const IMAGES = [
  "aliyun_3_x64_20G_alibase_20241103.vhd",
  "aliyun_3_x64_20G_alibase_20250117.vhd",
  "ubuntu_22_04_x64_20G_alibase_20250113.vhd",
  "ubuntu_24_04_x64_20G_alibase_20241016.vhd",
  "ubuntu_24_04_x64_20G_alibase_20250101.vhd",
  "ubuntu_24_04_arm64_20G_alibase_20250101.vhd",
];

type Read = (config: ValueMap, region: string) => ValueMap;

const DATA_SOURCES: Readonly<Record<string, Read>> = {
  alicloud_account: () => ({ id: ACCOUNT_ID }),
  alicloud_caller_identity: () => ({
    id: ACCOUNT_ID,
    account_id: ACCOUNT_ID,
    arn: `acs:ram::${ACCOUNT_ID}:root`,
    identity_type: "Account",
  }),
  alicloud_images: (config) => {
    const pattern = new RegExp(textOf(config.name_regex ?? ""));
    const found = IMAGES.filter((name) => pattern.test(name) && (config.image_id ?? name) === name);
    const ids = config.most_recent === true ? found.slice(-1) : found;
    return {
      id: ids.join(":"),
      ids,
      images: ids.map((id) => ({
        id,
        image_id: id,
        name: id,
        image_owner_alias: "system",
        architecture: id.includes("_arm64_") ? "arm64" : "x86_64",
        os_type: "linux",
        status: "Available",
      })),
    };
  },
  alicloud_vpcs: (config, region) => {
    const ids = asked(config, "alicloud_vpcs");
    const vpcs = ids.map((id) => ({
      id,
      vpc_id: id,
      cidr_block: "10.0.0.0/16",
      vpc_name: id,
      region_id: region,
      status: "Available",
      is_default: false,
    }));
    return { id: ids.join(":"), ids, names: ids, vpcs, total_count: ids.length };
  },
  alicloud_vswitches: (config, region) => {
    const ids = asked(config, "alicloud_vswitches");
    const vswitches = ids.map((id, index) => ({
      id,
      vswitch_id: id,
      name: id,
      vswitch_name: id,
      vpc_id: config.vpc_id ?? VPC,
      zone_id: `${region}-${ZONES[index % ZONES.length] ?? "l"}`,
      cidr_block: `10.0.${thirdByte(id)}.0/24`,
      available_ip_address_count: 250,
      status: "Available",
      is_default: false,
    }));
    return { id: ids.join(":"), ids, names: ids, vswitches };
  },
};

/** What a data source answers; refuses those that are not simulated. */
export function readDataSource(type: string, block: Block, config: ValueMap, region: string): ValueMap {
  const read = DATA_SOURCES[type];
  if (!read) throw new Refusal(`data source ${type} is not simulated`);
  return conform(block, { ...config, ...read(config, region) });
}

/** The same range for the same vSwitch, whatever else is asked for. */
function thirdByte(id: string): number {
  return createHash("sha256").update(id).digest()[0]!;
}

function asked(config: ValueMap, type: string): string[] {
  const ids = elementsAt(config, "ids").map(textOf);
  if (ids.length === 0) throw new Refusal(`data source ${type} is not simulated without ids: networks come from outside`);
  return ids;
}
