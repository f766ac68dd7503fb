import { below, jsonAws, MOTO_ACCOUNT, queryAws, restAws } from "./aws-request";
import { MENDS, startMoto, targetMoto, type Mend, type MotoCloud } from ".";

/** What shows a fault: some requests, and what of their answers tells the mended from the faulty. */
interface Symptom {
  show(cloud: MotoCloud, name: Mend): Promise<string>;
  readonly faulty: RegExp;
  readonly mended: RegExp;
}

const IMAGE = "resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id";

const SYMPTOMS: Record<Mend, Symptom> = {
  "bucket-policy-conditions": {
    async show(cloud) {
      const s3 = { ...cloud.signer("s3"), region: "us-east-1" };
      const denied = { Effect: "Deny", Principal: { AWS: "*" }, Action: "s3:*", Resource: "arn:aws:s3:::tls/*" };
      const statement = { ...denied, Condition: { Bool: { "aws:SecureTransport": "false" } } };
      await restAws(s3, "PUT", "/tls");
      await restAws(s3, "PUT", "/tls?policy", JSON.stringify({ Version: "2012-10-17", Statement: [statement] }));
      const conditional = await outcome(restAws(s3, "PUT", "/tls/object", "content"));
      await restAws(s3, "PUT", "/tls?policy", JSON.stringify({ Version: "2012-10-17", Statement: [denied] }));
      return `${conditional}, then ${await outcome(restAws(s3, "PUT", "/tls/object", "content"))}`;
    },
    faulty: /403.*, then .*403/s,
    mended: /^done, then .*403/s,
  },

  "deletion-protection": {
    async show(cloud) {
      const arn = await createLoadBalancer(cloud);
      await elb(cloud, "ModifyLoadBalancerAttributes", {
        LoadBalancerArn: arn,
        ...attribute("deletion_protection.enabled", "true"),
      });
      return outcome(elb(cloud, "DeleteLoadBalancer", { LoadBalancerArn: arn }));
    },
    faulty: /^done$/,
    mended: /OperationNotPermitted/,
  },

  "deregistration-delay": {
    async show(cloud) {
      const { vpcId } = await cloud.prepareNetwork();
      const group = { Name: "delay", Protocol: "HTTP", Port: "80", VpcId: vpcId };
      const TargetGroupArn = only("TargetGroupArn", await elb(cloud, "CreateTargetGroup", group));
      const set = async (value: string) => {
        const wanted = { TargetGroupArn, ...attribute("deregistration_delay.timeout_seconds", value) };
        return outcome(elb(cloud, "ModifyTargetGroupAttributes", wanted));
      };
      const outcomes = `${await set("3600")}, then ${await set("3601")}`;
      return `${outcomes}, read ${await elb(cloud, "DescribeTargetGroupAttributes", { TargetGroupArn })}`;
    },
    faulty: /0-3600.*, then .*0-3600.*, read .*<Value>300</s,
    mended: /^done, then .*0-3600.*, read .*<Value>3600</s,
  },

  "group-settings": {
    async show(cloud, name) {
      await createGroup(cloud, name, { DefaultInstanceWarmup: "120" });
      return describeGroup(cloud, name);
    },
    faulty: /^(?!.*DefaultInstanceWarmup)/s,
    mended: /<DefaultInstanceWarmup>120</,
  },

  "hosted-zone-vpc": {
    async show(cloud) {
      const { vpcId } = await cloud.prepareNetwork();
      const vpc = `<VPC><VPCRegion>${cloud.region}</VPCRegion><VPCId>${vpcId}</VPCId></VPC>`;
      const namespace = 'xmlns="https://route53.amazonaws.com/doc/2013-04-01/"';
      const request = `<CreateHostedZoneRequest ${namespace}><Name>gw.internal</Name>${vpc}<CallerReference>1</CallerReference></CreateHostedZoneRequest>`;
      const route53 = { ...cloud.signer("route53"), region: "us-east-1" };
      const id = only("Id", await restAws(route53, "POST", "/2013-04-01/hostedzone", request))
        .split("/")
        .pop();
      return restAws(route53, "GET", `/2013-04-01/hostedzone/${id}`);
    },
    faulty: /<PrivateZone>false(?!.*<VPCId>)/s,
    mended: /<PrivateZone>true.*<VPCId>vpc-/s,
  },

  "image-parameters": {
    async show(cloud) {
      const launched = await ec2(cloud, "RunInstances", { ImageId: IMAGE, MinCount: "1", MaxCount: "1" });
      const unknown = outcome(ec2(cloud, "RunInstances", { ImageId: "resolve:ssm:/unknown", MinCount: "1", MaxCount: "1" }));
      return `${only("imageId", launched)}, then ${await unknown}`;
    },
    faulty: /^resolve:ssm:.*, then done$/,
    mended: /^ami-\w+, then .*\/unknown cannot be resolved/s,
  },

  "instance-monitoring": {
    async show(cloud) {
      const launched = await ec2(cloud, "RunInstances", { ImageId: IMAGE, MinCount: "1", MaxCount: "1" });
      const one = { "InstanceId.1": only("instanceId", launched) };
      const state = async (action: string) => {
        const done = await outcome(ec2(cloud, action, one));
        return `${done} ${/<monitoring><state>(\w+)/.exec(await ec2(cloud, "DescribeInstances", one))?.[1]}`;
      };
      return `${await state("MonitorInstances")}, then ${await state("UnmonitorInstances")}`;
    },
    faulty: /500.* disabled, then .*500/s,
    mended: /^done enabled, then done disabled$/,
  },

  "instance-refresh": {
    async show(cloud, name) {
      await createGroup(cloud, name);
      const start = async (least: string) => {
        const preferences = { MinHealthyPercentage: least, MaxHealthyPercentage: "150" };
        const wanted = { AutoScalingGroupName: name, ...below("Preferences", preferences) };
        return outcome(autoscaling(cloud, "StartInstanceRefresh", wanted));
      };
      const outcomes = `${await start("100")}, then ${await start("10")}`;
      return `${outcomes}, read ${await autoscaling(cloud, "DescribeInstanceRefreshes", { AutoScalingGroupName: name }).catch(String)}`;
    },
    faulty: /500.*, then .*500.*, read .*500/s,
    mended: /^done, then .*ValidationError.*, read .*<Status>Successful</s,
  },

  "interface-association": {
    async show(cloud) {
      const { subnets } = await cloud.prepareNetwork();
      const read = async (isPublic: string) => {
        const primary = { DeviceIndex: "0", SubnetId: subnets[0]!.id, AssociatePublicIpAddress: isPublic };
        const request = { ImageId: IMAGE, MinCount: "1", MaxCount: "1", ...below("NetworkInterface.1", primary) };
        const xml = await ec2(cloud, "RunInstances", request);
        return [...xml.matchAll(/<association\/>|<publicIp>/g)].join(" ");
      };
      return `private ${await read("false")}, public ${await read("true")}`;
    },
    faulty: /^private <association\/>, public <publicIp>/,
    mended: /^private , public <publicIp>/,
  },

  "interface-groups": {
    async show(cloud) {
      const { vpcId, subnets } = await cloud.prepareNetwork();
      const group = { GroupName: "interface", GroupDescription: "Nodes", VpcId: vpcId };
      const id = only("groupId", await ec2(cloud, "CreateSecurityGroup", group));
      const primary = { DeviceIndex: "0", SubnetId: subnets[0]!.id, "SecurityGroupId.1": id };
      await ec2(cloud, "RunInstances", { ImageId: IMAGE, MinCount: "1", MaxCount: "1", ...below("NetworkInterface.1", primary) });
      const filter = { "Filter.1.Name": "instance.group-id", "Filter.1.Value.1": id };
      return `${valuesOf("instanceId", await ec2(cloud, "DescribeInstances", filter)).length} in the group`;
    },
    faulty: /^0 in/,
    mended: /^1 in/,
  },

  "launch-template-version": {
    async show(cloud, name) {
      const tags = below("TagSpecification.1", { ResourceType: "launch-template", "Tag.1.Key": "Owner", "Tag.1.Value": "x" });
      await createGroup(cloud, name, {}, tags);
      const template = { LaunchTemplateName: name };
      const first = await ec2(cloud, "DescribeLaunchTemplateVersions", template);
      const data = below("LaunchTemplateData", { ImageId: IMAGE, UserData: "IyEvYmluL3NoCg==" });
      await ec2(cloud, "CreateLaunchTemplateVersion", { ...template, ...data });
      const second = below("LaunchTemplate", { ...template, Version: "2" });
      const update = { AutoScalingGroupName: name, DesiredCapacity: "3", ...second };
      const outcomes = await outcome(autoscaling(cloud, "UpdateAutoScalingGroup", update));
      return `${/<tagSpecificationSet>.*Owner/s.test(first) ? "tagged" : "clean"}, then ${outcomes}`;
    },
    faulty: /^tagged, then .*500/s,
    mended: /^clean, then done$/,
  },

  "lifecycle-hook": {
    async show(cloud, name) {
      await createGroup(cloud, name);
      const hook = { AutoScalingGroupName: name, LifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING" };
      await autoscaling(cloud, "PutLifecycleHook", { ...hook, LifecycleHookName: "bare" });
      return autoscaling(cloud, "DescribeLifecycleHooks", { AutoScalingGroupName: name });
    },
    faulty: /<RoleARN>/,
    mended: /^(?!.*(RoleARN|NotificationTargetARN)).*bare/s,
  },

  "redrive-policy": {
    async show(cloud) {
      const sqs = cloud.signer("sqs");
      await jsonAws(sqs, "AmazonSQS.CreateQueue", { QueueName: "dead" });
      const deadLetterTargetArn = `arn:aws:sqs:${cloud.region}:${MOTO_ACCOUNT}:dead`;
      const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 5 });
      const made = await jsonAws(sqs, "AmazonSQS.CreateQueue", { QueueName: "jobs", Attributes: { RedrivePolicy } });
      const { QueueUrl } = made as { QueueUrl: string };
      const read = await jsonAws(sqs, "AmazonSQS.GetQueueAttributes", { QueueUrl, AttributeNames: ["All"] });
      return (read as { Attributes: { RedrivePolicy: string } }).Attributes.RedrivePolicy;
    },
    faulty: /: "arn:/,
    mended: /^\{"deadLetterTargetArn":"arn:[^ ]*","maxReceiveCount":5\}$/,
  },

  "rule-description": {
    async show(cloud) {
      const { vpcId } = await cloud.prepareNetwork();
      const group = { GroupName: "nodes", GroupDescription: "Nodes", VpcId: vpcId };
      const GroupId = only("groupId", await ec2(cloud, "CreateSecurityGroup", group));
      const rule = {
        IpProtocol: "tcp",
        FromPort: "4000",
        ToPort: "4000",
        "Groups.1.GroupId": GroupId,
        "Groups.1.Description": "From peers",
      };
      await ec2(cloud, "AuthorizeSecurityGroupIngress", { GroupId, ...below("IpPermissions.1", rule) });
      const filter = { "Filter.1.Name": "group-id", "Filter.1.Value.1": GroupId };
      return ec2(cloud, "DescribeSecurityGroupRules", filter);
    },
    faulty: /^(?!.*From peers)/s,
    mended: /<description>From peers</,
  },

  "target-tracking": {
    async show(cloud, name) {
      await createGroup(cloud, name);
      await autoscaling(cloud, "PutScalingPolicy", {
        AutoScalingGroupName: name,
        PolicyName: "cpu",
        PolicyType: "TargetTrackingScaling",
        "TargetTrackingConfiguration.TargetValue": "50",
        "TargetTrackingConfiguration.PredefinedMetricSpecification.PredefinedMetricType": "ASGAverageCPUUtilization",
      });
      return autoscaling(cloud, "DescribePolicies", { AutoScalingGroupName: name });
    },
    faulty: /^(?!.*<Enabled>).*PredictiveScalingConfiguration/s,
    mended: /^(?!.*PredictiveScalingConfiguration).*<Enabled>true/s,
  },

  "template-launch": {
    async show(cloud, name) {
      await createTemplate(cloud, name, {
        "LaunchTemplateData.MetadataOptions.HttpTokens": "required",
        "LaunchTemplateData.Monitoring.Enabled": "true",
      });
      const refused = { "Monitoring.Enabled": "false" };
      return `${await launch(cloud, name)}, then ${await launch(cloud, name, refused)}`;
    },
    faulty: /<httpTokens>optional.*<monitoring><state>disabled.*, then /s,
    mended: /<httpTokens>required.*<monitoring><state>enabled.*, then .*<httpTokens>required.*<monitoring><state>disabled/s,
  },

  "zone-spread": {
    async show(cloud, name) {
      await createGroup(cloud, name, { MinSize: "4" });
      const zones = valuesOf("AvailabilityZone", await describeGroup(cloud, name));
      return zones.sort().join(" ");
    },
    faulty: /^(\S+)( \1){3}$/,
    mended: /^(\S+a) \1 (\S+b) \2$/,
  },
};

let mended: MotoCloud;
let faulty: MotoCloud;

beforeAll(async () => {
  [mended, faulty] = await Promise.all([startMoto(), startMoto({ without: MENDS })]);
}, 300_000);

afterAll(() => Promise.all([mended.stop(), faulty.stop()]));

test.each(MENDS)("%s", async (mend) => {
  const symptom = SYMPTOMS[mend];
  expect(await symptom.show(faulty, mend).catch(String)).toMatch(symptom.faulty);
  expect(await symptom.show(mended, mend)).toMatch(symptom.mended);
});

test("every provider block is made to talk to moto", () => {
  const given = [{ region: "us-west-2", default_tags: [{ tags: { Owner: "x" } }], profile: "mine" }, { alias: "second" }];
  const [first, second] = targetMoto({ provider: { aws: given } }, mended).provider.aws;
  expect(first).toMatchObject({ region: "us-west-2", default_tags: given[0]?.default_tags, endpoints: [{ ec2: mended.endpoint }] });
  expect(first).not.toHaveProperty("profile");
  expect(second).toMatchObject({ alias: "second", region: "eu-central-1", access_key: "test" });
  expect(() => targetMoto({}, mended)).toThrow("no AWS provider block");
});

async function outcome(request: Promise<string>): Promise<string> {
  return request.then(() => "done", String);
}

async function ec2(cloud: MotoCloud, action: string, parameters: Record<string, string> = {}): Promise<string> {
  return queryAws(cloud.signer("ec2"), "2016-11-15", action, parameters);
}

async function elb(cloud: MotoCloud, action: string, parameters: Record<string, string> = {}): Promise<string> {
  return queryAws(cloud.signer("elasticloadbalancing"), "2015-12-01", action, parameters);
}

async function autoscaling(cloud: MotoCloud, action: string, parameters: Record<string, string> = {}): Promise<string> {
  return queryAws(cloud.signer("autoscaling"), "2011-01-01", action, parameters);
}

async function createLoadBalancer(cloud: MotoCloud): Promise<string> {
  const { subnets } = await cloud.prepareNetwork();
  const [first, second] = subnets.map(({ id }) => id);
  const named = below("Subnets.member", { "1": first!, "2": second! });
  return only("LoadBalancerArn", await elb(cloud, "CreateLoadBalancer", { Name: "balancer", ...named }));
}

async function createTemplate(cloud: MotoCloud, name: string, parameters: Record<string, string> = {}): Promise<void> {
  const data = { "LaunchTemplateData.ImageId": IMAGE, "LaunchTemplateData.InstanceType": "m7i.large" };
  await ec2(cloud, "CreateLaunchTemplate", { LaunchTemplateName: name, ...data, ...parameters });
}

async function createGroup(
  cloud: MotoCloud,
  name: string,
  parameters: Record<string, string> = {},
  template: Record<string, string> = {},
): Promise<void> {
  const { subnets } = await cloud.prepareNetwork();
  await createTemplate(cloud, name, template);
  await autoscaling(cloud, "CreateAutoScalingGroup", {
    AutoScalingGroupName: name,
    MinSize: "2",
    MaxSize: "6",
    VPCZoneIdentifier: subnets.map(({ id }) => id).join(","),
    ...below("LaunchTemplate", { LaunchTemplateName: name, Version: "1" }),
    ...parameters,
  });
}

async function describeGroup(cloud: MotoCloud, name: string): Promise<string> {
  return autoscaling(cloud, "DescribeAutoScalingGroups", { "AutoScalingGroupNames.member.1": name });
}

async function launch(cloud: MotoCloud, name: string, parameters: Record<string, string> = {}): Promise<string> {
  const template = below("LaunchTemplate", { LaunchTemplateName: name, Version: "1" });
  return ec2(cloud, "RunInstances", { ...template, MinCount: "1", MaxCount: "1", ...parameters });
}

function attribute(key: string, value: string): Record<string, string> {
  return below("Attributes.member.1", { Key: key, Value: value });
}

function only(element: string, xml: string): string {
  const [value] = valuesOf(element, xml);
  if (value === undefined) throw new Error(`no ${element} in ${xml}`);
  return value;
}

function valuesOf(element: string, xml: string): string[] {
  return [...xml.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, "g"))].map((match) => match[1]!);
}
