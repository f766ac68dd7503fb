import { AccessStatement } from "../access";

/**
 * What the agent of Systems Manager needs so that people can open a shell on a node: AWS's minimum for Session Manager.
 *
 * Not the managed policy AmazonSSMManagedInstanceCore: it also lets a node read every parameter of the account. None of
 * these actions can be bound to a resource.
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
 */
export const SHELL_ACCESS: AccessStatement = {
  sid: "ShellAccess",
  actions: [
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
  ],
  resources: ["*"],
};
