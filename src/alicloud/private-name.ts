import { Construct } from "constructs";
import { ConfigError } from "../errors";
import { IPrivateZone, PrivateNameSpec } from "../platform";
import { isExpression } from "../text";
import { AlicloudContext } from "./context";

/** A private name, and what it stands for. */
export interface PrivateNameTarget extends PrivateNameSpec {
  readonly target: string;
}

/**
 * A private DNS name (CNAME). Without a zone of the user's, one is made for the parent of the name and attached to the
 * network; whatever else lies in that parent domain is still resolved as before.
 * @throws ConfigError when the name has no parent domain, or does not lie in the zone
 */
export class PrivateName extends Construct {
  constructor(scope: Construct, id: string, context: AlicloudContext, spec: PrivateNameTarget) {
    super(scope, id);
    const { label, parent } = splitName(this, spec);
    const zoneId = spec.zone?.zoneId ?? this.makeZone(context, parent, spec.network.vpcId);
    context.resources.make("privateRecord", this, "Record", { zoneId, rr: label, type: "CNAME", value: spec.target, ttl: 60 });
  }

  private makeZone({ resources }: AlicloudContext, zoneName: string, vpcId: string): string {
    // RECORD: names that the zone does not hold are asked for outside of it.
    const zone = resources.make("privateZone", this, "Zone", { zoneName, proxyPattern: "RECORD" });
    resources.make("privateZoneAttachment", this, "ZoneAttachment", { zoneId: zone.id, vpcIds: [vpcId] });
    return zone.id;
  }
}

interface SplitName {
  readonly label: string;
  readonly parent: string;
}

function splitName(scope: Construct, { domainName, zone }: PrivateNameSpec): SplitName {
  const inZone = zone && labelsBefore(domainName, zone);
  // A zone's name that only Terraform knows may be that of the parent.
  const split = inZone ?? (zone === undefined || isExpression(zone.zoneName) ? firstLabel(domainName) : undefined);
  if (split === undefined) {
    throw new ConfigError(scope.node.path, [
      `domainName: "${domainName}" is not a name in ${zone?.zoneName ?? 'a domain, such as "llm.corp.example"'}`,
    ]);
  }
  return split;
}

function firstLabel(domainName: string): SplitName | undefined {
  const match = /^((?:\$\{[^{}]*\}|[^.])+)\.(.+)$/.exec(domainName);
  return match === null ? undefined : { label: match[1]!, parent: match[2]! };
}

function labelsBefore(domainName: string, { zoneName }: IPrivateZone): SplitName | undefined {
  const suffix = `.${zoneName}`;
  return domainName.endsWith(suffix) ? { label: domainName.slice(0, -suffix.length), parent: zoneName } : undefined;
}
