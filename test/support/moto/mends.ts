/** The faults of moto's that are mended, by module of `mends/`, its name with dashes. */
export const MENDS = [
  "bucket-policy-conditions",
  "deletion-protection",
  "deregistration-delay",
  "group-settings",
  "hosted-zone-vpc",
  "image-parameters",
  "instance-monitoring",
  "instance-refresh",
  "interface-association",
  "interface-groups",
  "launch-template-version",
  "lifecycle-hook",
  "redrive-policy",
  "rule-description",
  "target-tracking",
  "template-launch",
  "zone-spread",
] as const;

export type Mend = (typeof MENDS)[number];
