import { cron } from "../../src/alicloud/drift-check";
import { Duration } from "../../src/duration";
import { Schedule } from "../../src/schedule";
import { newPlatform, newStack, only, rendered } from "./support";

function checked() {
  const stack = newStack();
  const target = newPlatform().driftCheck(stack, "drift", {
    name: "gateway",
    schedule: Schedule.every(Duration.hours(6)),
    message: '{"stack":"prod"}',
  });
  return { stack, target };
}

test("the role sees configuration, and no secret whatever else it may be given", () => {
  const { stack } = checked();
  const { Statement } = JSON.parse(only(stack, "alicloud_ram_policy").policy_document);
  const allowed = Statement.filter(({ Effect }: { Effect: string }) => Effect === "Allow").flatMap(
    ({ Action }: { Action: string[] }) => Action,
  );
  expect(allowed.every((action: string) => /^[a-z]+:(Get|List|Describe)[A-Za-z]*\*?$/.test(action))).toBe(true);
  const telling = [
    "kms:GetSecretValue",
    "kms:Get*",
    "kms:*",
    "log:Get*",
    "log:GetLogStoreLogs",
    "ecs:Describe*",
    "vpc:Describe*",
    "mns:ReceiveMessage",
  ];
  expect(allowed.filter((action: string) => telling.includes(action))).toEqual([]);
  expect(Statement).toContainEqual({ Effect: "Deny", Action: ["kms:GetSecretValue", "kms:Decrypt"], Resource: ["*"] });
  const objects = Statement.find(({ Action }: { Action: string[] }) => Action.includes("oss:GetObject"));
  expect(objects.Resource).toEqual([
    "acs:oss:*:*:gateway-1234567890123456-cn-shanghai",
    "acs:oss:*:*:gateway-1234567890123456-cn-shanghai/*",
  ]);
  expect(only(stack, "alicloud_ram_role").assume_role_policy_document).toContain("fc.aliyuncs.com");
  expect(only(stack, "alicloud_ram_role").role_name).toBe("gateway-drift-cn-shanghai");
});

test("its policy is within what RAM takes", () => {
  expect(Buffer.byteLength(only(checked().stack, "alicloud_ram_policy").policy_document)).toBeLessThan(6144);
});

test("the queue is told the message when a comparison is due", () => {
  const { stack, target } = checked();
  expect(only(stack, "alicloud_event_bridge_event_source_v2").source_scheduled_event_parameters).toEqual({
    schedule: "0 0 */6 * * *",
    time_zone: "GMT+8:00",
  });
  const rule = only(stack, "alicloud_event_bridge_rule");
  expect(JSON.parse(rule.filter_pattern)).toEqual({ type: ["eventbridge:Events:ScheduledEvent"] });
  expect(rule.targets[0]).toMatchObject({
    type: "acs.mns.queue",
    endpoint: expect.stringMatching(/^acs:mns:cn-shanghai:1234567890123456:queues\/\$\{.*queue_name\}$/),
    param_list: [expect.objectContaining({ resource_key: "queue" }), { resource_key: "Body", form: "CONSTANT", value: '{"stack":"prod"}' }],
  });
  expect(rendered(stack, target.queue)).toContain("queue_name");
});

test.each([
  [Duration.minutes(15), "0 */15 * * * *"],
  [Duration.minutes(60), "0 0 */1 * * *"],
  [Duration.minutes(90), "0 0 */1 * * *"],
  [Duration.hours(6), "0 0 */6 * * *"],
  [Duration.days(1), "0 0 0 */1 * *"],
  [Duration.days(7), "0 0 0 */7 * *"],
])("%s is %s", (interval, expression) => {
  expect(cron(Schedule.every(interval))).toBe(expression);
});
