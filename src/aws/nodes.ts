import { Fn, TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import { NodesSpec } from "../platform";
import { AwsContext } from "./context";
import { fixedNodes } from "./fixed-nodes";
import { Fleet, fleetName } from "./fleet";
import { DEFAULT_INSTANCE_TYPE, ROOT_DEVICE, ubuntuImage } from "./image";
import { ConfigOf, ResourceOf } from "./resource-kinds";
import { scalingNodes } from "./scaling-nodes";
import { letIn, letOut, rulesByCidr, SecurityRule } from "./security-rules";

/** The machines of a gateway: reached by its balancer only, reaching what `egressPorts` and `egressCidrs` say. */
export class Ec2Nodes extends Construct {
  constructor(
    scope: Construct,
    id: string,
    private readonly context: AwsContext,
    spec: NodesSpec,
  ) {
    super(scope, id);
    const name = fleetName(spec.name);
    const securityGroup = this.securityGroup(spec, name);
    const fleet: Fleet = {
      spec,
      name,
      template: context.resources.make("launchTemplate", this, "LaunchTemplate", {
        ...launchTemplate(spec, this.encodedUserData(spec.userData)),
        name,
        tags: context.resources.tags(name),
        tagSpecifications: [{ resourceType: "volume", tags: context.resources.tags(name) }],
        ...(spec.size.kind === "scaling" && { networkInterfaces: [privateInterface(securityGroup.id)] }),
      }),
      securityGroupId: securityGroup.id,
      dependsOn: [...spec.after, ...spec.role.ready],
    };
    if (spec.size.kind === "scaling") scalingNodes(this, context, fleet, spec.size);
    else fixedNodes(this, context, fleet, spec.size);
  }

  private securityGroup(spec: NodesSpec, name: string): ResourceOf<"nodeSecurityGroup"> {
    const group = this.context.resources.make("nodeSecurityGroup", this, "SecurityGroup", {
      name,
      description: `The nodes of the gateway ${spec.name}`,
      vpcId: spec.network.vpcId,
      tags: this.context.resources.tags(name),
    });
    spec.targets.forEach(({ nodePort }) => this.letBalancerIn(spec, group.id, nodePort));
    [...new Set(spec.egressPorts)].forEach((port) =>
      letOut(
        this.context,
        this,
        group.id,
        rulesByCidr(`To${port}`, spec.egressCidrs, port, `Nodes of the gateway ${spec.name} to port ${port}`),
      ),
    );
    return group;
  }

  private letBalancerIn({ name, ingress }: NodesSpec, groupId: string, port: number): void {
    letIn(
      this.context,
      this,
      groupId,
      rulesByCidr(`From${port}`, ingress.cidrs ?? [], port, `Balancer to the nodes of the gateway ${name}`),
    );
    const balancer = ingress.securityGroupId;
    if (balancer === undefined) return;
    const between = (peer: string): SecurityRule => ({
      port,
      peer: { referencedSecurityGroupId: peer },
      description: `Balancer to the nodes of the gateway ${name}`,
    });
    letIn(this.context, this, groupId, { [`Balancer${port}`]: between(balancer) });
    letOut(this.context, this, balancer, { [`BalancerTo${port}`]: between(groupId) });
  }

  /** cdktf does not escape texts inside a function, so that only a lone reference may go into one. */
  private encodedUserData(userData: string): string {
    const isReference = /^\$\{[\w.[\]-]+\}$/.test(userData);
    return Fn.base64encode(isReference ? userData : new TerraformLocal(this, "UserData", userData).asString);
  }
}

function launchTemplate(spec: NodesSpec, userData: string): ConfigOf<"launchTemplate"> {
  const instanceType = spec.instanceType ?? DEFAULT_INSTANCE_TYPE;
  return {
    description: `Nodes of the gateway ${spec.name}`,
    updateDefaultVersion: true,
    instanceType,
    imageId: spec.imageId ?? ubuntuImage(instanceType),
    iamInstanceProfile: { name: spec.role.instanceIdentity },
    userData,
    monitoring: { enabled: true },
    // A hop more, and what runs in a container on a node could take the node's identity.
    metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1, instanceMetadataTags: "disabled" },
    blockDeviceMappings: [
      { deviceName: ROOT_DEVICE, ebs: { volumeSize: spec.diskSizeGib, volumeType: "gp3", encrypted: "true", deleteOnTermination: "true" } },
    ],
  };
}

function privateInterface(securityGroupId: string) {
  return { deviceIndex: 0, associatePublicIpAddress: "false", deleteOnTermination: "true", securityGroups: [securityGroupId] };
}
