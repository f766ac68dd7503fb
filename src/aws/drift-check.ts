import { Construct } from "constructs";
import { DriftCheckSpec, DriftTarget } from "../platform";
import { accountIdOf } from "./account";
import { arn, arnIn, AwsContext } from "./context";
import { ArnOf, NEVER_READ_SECRETS, readBucket, readSettings, readZones } from "./drift-permissions";
import { bucketName } from "./object-store";
import { policyDocument, trustDocument } from "./policy";
import { ResourceOf } from "./resource-kinds";

/**
 * A role that looks at a gateway's resources and at no secret's value, and a schedule that tells a queue when a comparison is due.
 *
 * CodeBuild projects of this account may assume the role. The project that takes the message and compares is not part of it yet.
 */
export class ScheduledDriftCheck extends Construct implements DriftTarget {
  public readonly roleArn: string;
  public readonly queue: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly context: AwsContext,
    spec: DriftCheckSpec,
  ) {
    super(scope, id);
    const role = this.readOnlyRole(spec.name);
    const queue = context.resources.make("driftQueue", this, "Queue", {
      name: `${spec.name}-drift`,
      sqsManagedSseEnabled: true,
      messageRetentionSeconds: 86_400,
      tags: context.resources.tags(`${spec.name}-drift`),
    });
    this.schedule(spec, queue);
    this.roleArn = role.arn;
    this.queue = queue.arn;
  }

  private readOnlyRole(gateway: string): ResourceOf<"driftRole"> {
    const { resources, region } = this.context;
    const name = `${gateway}-drift-${region}`;
    const role = resources.make("driftRole", this, "Role", {
      name,
      description: `compares the gateway ${gateway} with its code; reads settings, no secrets`,
      assumeRolePolicy: trustDocument("codebuild.amazonaws.com", {
        ...this.fromThisAccount(),
        ArnLike: { "aws:SourceArn": arn(this.context, this, "codebuild", "project/*") },
      }),
      tags: resources.tags(name),
    });
    const arnOf: ArnOf = (service, resource, where: string = region) => arn({ ...this.context, region: where }, this, service, resource);
    const bucket = arnIn(this.context, this, "s3", "", bucketName(gateway, accountIdOf(this, this.context), region));
    const zones = arnIn(this.context, this, "route53", "", "hostedzone/*");
    resources.make("driftRolePolicy", this, "Policy", {
      name: "read-settings",
      role: role.name,
      policy: policyDocument([...readSettings(gateway, arnOf), readZones(zones), ...readBucket(bucket)], NEVER_READ_SECRETS),
    });
    return role;
  }

  private schedule({ name, schedule, message }: DriftCheckSpec, queue: ResourceOf<"driftQueue">): void {
    const { resources } = this.context;
    const role = this.scheduleRole(name);
    const policy = resources.make("driftScheduleRolePolicy", this, "SchedulePolicy", {
      name: "tell-queue",
      role: role.name,
      policy: policyDocument([{ sid: "TellQueue", actions: ["sqs:SendMessage"], resources: [queue.arn] }]),
    });
    resources.make("driftSchedule", this, "Schedule", {
      name: `${name}-drift`,
      description: `A comparison of the gateway ${name} with its code is due`,
      // Always in minutes, of which there are at least 15: a single hour or day would want another word.
      scheduleExpression: `rate(${schedule.interval.toMinutes()} minutes)`,
      flexibleTimeWindow: { mode: "OFF" },
      target: { arn: queue.arn, roleArn: role.arn, input: message },
      dependsOn: [policy],
    });
  }

  private scheduleRole(gateway: string): ResourceOf<"driftScheduleRole"> {
    const { resources, region } = this.context;
    const name = `${gateway}-drift-schedule-${region}`;
    return resources.make("driftScheduleRole", this, "ScheduleRole", {
      name,
      description: `tells the queue of the gateway ${gateway} that a comparison is due`,
      assumeRolePolicy: trustDocument("scheduler.amazonaws.com", this.fromThisAccount()),
      tags: resources.tags(name),
    });
  }

  /** Keeps others from having AWS's service act for them. */
  private fromThisAccount() {
    return { StringEquals: { "aws:SourceAccount": accountIdOf(this, this.context) } };
  }
}
