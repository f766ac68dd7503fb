import { AccessDifference, PolicyJson, statementsOf } from "./compare-access";

/** The service whose instances take the role; China's regions of AWS have a second name for it. */
const INSTANCES = {
  aws: ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"],
  alicloud: ["ecs.aliyuncs.com"],
} as const;

/** Whether instances may take a role, and who else may. */
export function compareTrust(cloud: keyof typeof INSTANCES, trust: PolicyJson): AccessDifference {
  const allowed = statementsOf(trust)
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(({ Principal = {} }) => (typeof Principal === "string" ? [Principal] : Object.values(Principal).flat()));
  const instances: readonly string[] = INSTANCES[cloud];
  return {
    missing: allowed.some((one) => instances.includes(one)) ? [] : [`trust in ${instances[0]!}`],
    tooMuch: allowed.filter((one) => !instances.includes(one)).map((one) => `trust in ${one}`),
  };
}
