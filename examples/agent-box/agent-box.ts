import { DataAwsSsmParameter } from "@cdktf/provider-aws/lib/data-aws-ssm-parameter";
import { IamInstanceProfile } from "@cdktf/provider-aws/lib/iam-instance-profile";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { Instance } from "@cdktf/provider-aws/lib/instance";
import { Construct } from "constructs";
import { AiGateway, ReaderRole } from "cdktf-ai-gateway";
import { AwsPlatform } from "cdktf-ai-gateway/aws";

/** A machine that one agent runs on. */
export interface AgentBoxProps {
  readonly gateway: AiGateway;
  readonly platform: AwsPlatform;
  /** One of the gateway's agents. */
  readonly agent: string;
  readonly subnetId: string;
  /** The agent's program, which finds LITELLM_API_KEY and LITELLM_BASE_URL in its environment. */
  readonly program: string;
}

/** The whole path of an agent: a role that reads its own key and no other, and a machine that gives the key to its service. */
export class AgentBox extends Construct {
  public readonly role: IamRole;

  constructor(scope: Construct, id: string, { gateway, platform, agent, subnetId, program }: AgentBoxProps) {
    super(scope, id);
    this.role = new IamRole(this, "Role", {
      name: agent,
      assumeRolePolicy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } }],
      }),
    });
    gateway.agents.grantKeyRead(agent, ReaderRole.fromRoleName(this, "Reader", { platform, roleName: this.role.name }));
    const profile = new IamInstanceProfile(this, "Profile", { name: agent, role: this.role.name });
    const image = new DataAwsSsmParameter(this, "Image", {
      name: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    });
    new Instance(this, "Instance", {
      ami: image.insecureValue,
      instanceType: "t3.small",
      subnetId,
      iamInstanceProfile: profile.name,
      userData: cloudConfig({
        agent,
        program,
        region: platform.region,
        secret: gateway.agents.keySecretNames[agent]!,
        endpoint: gateway.cluster.endpoint,
      }),
      userDataReplaceOnChange: true,
      metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
      rootBlockDevice: { encrypted: true },
      monitoring: true,
      ebsOptimized: true,
      tags: { Name: agent },
    });
  }
}

interface Box {
  readonly agent: string;
  readonly program: string;
  readonly region: string;
  readonly secret: string;
  readonly endpoint: string;
}

/** Names only: the service's own user reads the key at each start, into a folder in memory that no other user can look into. */
function cloudConfig({ agent, program, region, secret, endpoint }: Box): string {
  const script = `#!/bin/bash
set -euo pipefail
umask 077
key=$(aws secretsmanager get-secret-value --region "$GATEWAY_KEY_REGION" --secret-id "$GATEWAY_KEY_SECRET" \\
  --version-stage AWSCURRENT --query SecretString --output text)
[[ $key == sk-* ]] || { echo "$GATEWAY_KEY_SECRET: what it holds is not a key" >&2; exit 1; }
printf 'LITELLM_API_KEY=%s\\n' "$key" > "$RUNTIME_DIRECTORY/environment"
`;
  const unit = `[Unit]
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
DynamicUser=yes
RuntimeDirectory=${agent}
RuntimeDirectoryMode=0700
Environment=GATEWAY_KEY_REGION=${region}
Environment=GATEWAY_KEY_SECRET=${secret}
Environment=LITELLM_BASE_URL=${endpoint}
ExecStartPre=/usr/local/bin/gateway-key
EnvironmentFile=-/run/${agent}/environment
ExecStart=${program}
Restart=always
RestartSec=10
RuntimeMaxSec=12h

[Install]
WantedBy=multi-user.target
`;
  const files = [
    { path: "/usr/local/bin/gateway-key", permissions: "0755", content: script },
    { path: `/etc/systemd/system/${agent}.service`, content: unit },
  ];
  // JSON is YAML, too.
  return `#cloud-config\n${JSON.stringify({ write_files: files, runcmd: [["systemctl", "enable", "--now", `${agent}.service`]] })}`;
}
