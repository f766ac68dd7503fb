import { Construct } from "constructs";
import { AccessStatement } from "../access";
import { DriftCheckSpec, DriftTarget } from "../platform";
import { Schedule } from "../schedule";
import { terraformJson } from "../text";
import { AlicloudContext, arn } from "./context";
import { bucketName } from "./object-store";
import { READ_SECRETS, readConfiguration } from "./perms";
import { policyDocument, regionalName, serviceRole } from "./role";

/**
 * The comparison of code and reality: an identity that sees configuration and no secret, and a queue that is told when one is due.
 *
 * What compares is a function of Function Compute, and comes with a later issue. Unverified: the function's service
 * principal `fc.aliyuncs.com`.
 */
export class AlicloudDriftCheck extends Construct implements DriftTarget {
  public readonly roleArn: string;
  public readonly queue: string;

  constructor(scope: Construct, id: string, context: AlicloudContext, spec: DriftCheckSpec) {
    super(scope, id);
    const { role } = serviceRole(this, context, {
      name: regionalName(context, `${spec.name}-drift`),
      description: `Compares the gateway ${spec.name} with its code; reads no secret`,
      trustedService: "fc.aliyuncs.com",
      policyDocument: policyDocument(readConfiguration(bucketName(context, this, spec.name)), [SECRETS_DENIED]),
    });
    this.roleArn = role.arn;
    this.queue = scheduledQueue(this, context, spec);
  }
}

const SECRETS_DENIED: AccessStatement = { sid: "NoSecrets", actions: READ_SECRETS, resources: ["*"] };

/** An event bus of its own with a clock as its source; each event puts the message into the queue. */
function scheduledQueue(scope: Construct, context: AlicloudContext, { name, schedule, message }: DriftCheckSpec): string {
  const { resources } = context;
  const queueName = resources.make("driftQueue", scope, "Queue", { queueName: `${name}-drift` }).queueName;
  const eventBusName = resources.make("driftEventBus", scope, "EventBus", {
    eventBusName: `${name}-drift`,
    description: `When the gateway ${name} is to be compared with its code`,
  }).eventBusName;
  resources.make("driftEventSource", scope, "EventSource", {
    eventBusName,
    eventSourceName: `${name}-drift-clock`,
    description: `Every ${schedule.interval}`,
    linkedExternalSource: true,
    sourceScheduledEventParameters: { schedule: cron(schedule), timeZone: "GMT+8:00" },
  });
  resources.make("driftRule", scope, "Rule", {
    eventBusName,
    ruleName: `${name}-drift`,
    description: `Tells the queue ${name}-drift`,
    filterPattern: terraformJson({ type: ["eventbridge:Events:ScheduledEvent"] }),
    targets: [
      {
        targetId: "queue",
        type: "acs.mns.queue",
        endpoint: arn(context, scope, "mns", `queues/${queueName}`),
        pushRetryStrategy: "BACKOFF_RETRY",
        paramList: [
          { resourceKey: "queue", form: "CONSTANT", value: queueName },
          { resourceKey: "Body", form: "CONSTANT", value: message },
        ],
      },
    ],
  });
  return queueName;
}

/**
 * The schedule as EventBridge's six fields, from seconds to weekdays. A cron starts anew each hour, day and month, so that
 * two runs are never further apart than the interval, and nearer at those turns where it does not divide them.
 * @see https://help.aliyun.com/zh/eventbridge/user-guide/create-a-custom-event-source-of-the-time-trigger-type
 */
export function cron({ interval }: Schedule): string {
  const minutes = interval.toMinutes();
  if (minutes < 60) return `0 */${minutes} * * * *`;
  if (minutes < 24 * 60) return `0 0 */${Math.floor(minutes / 60)} * * *`;
  return `0 0 0 */${Math.floor(minutes / (24 * 60))} * *`;
}
