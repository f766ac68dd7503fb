import { TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { Duration } from "./duration";
import { ConfigError } from "./errors";
import { GatewayPlatform, IGatewayPart } from "./platform";
import { Schedule } from "./schedule";

/** When a stack is compared with what is really there. */
export interface DriftCheckProps {
  readonly platform: GatewayPlatform;
  /** The gateway's name; the role's and the queue's are made from it. */
  readonly name: string;
  /** @default Schedule.every(Duration.hours(6)) */
  readonly schedule?: Schedule;
}

/**
 * The scheduled comparison of code and reality: a role that can look at the gateway's resources but at no secret's
 * value, and a schedule that puts a message into a queue each time a comparison is due.
 *
 * What takes the message and compares is not part of it yet.
 * @throws ConfigError when `name` is not one that the cloud takes
 */
export class DriftCheck extends Construct implements IGatewayPart<"drift"> {
  public readonly part = "drift";
  /** The read-only role: its ARN. */
  public readonly roleArn: string;
  /** The queue that is told: its ARN on AWS, its name on Alibaba Cloud. */
  public readonly queue: string;

  constructor(scope: Construct, id: string, props: DriftCheckProps) {
    super(scope, id);
    ConfigError.throwIfAny(this, props.platform.problems({ name: props.name }));
    props.platform.bind(this);
    const target = props.platform.driftCheck(this, "Target", {
      name: props.name,
      schedule: props.schedule ?? Schedule.every(Duration.hours(6)),
      message: JSON.stringify({ check: "drift", gateway: props.name, stack: TerraformStack.of(this).node.id }),
    });
    this.roleArn = target.roleArn;
    this.queue = target.queue;
  }
}
