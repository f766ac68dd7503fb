import { Construct } from "constructs";
import { AccessStatement, SecretKey, SecretStore } from "cdktf-ai-gateway";

/** What a role may do once a store has let it read these secrets. */
export function readGranted(scope: Construct, store: SecretStore, names: readonly string[], key?: SecretKey): AccessStatement[] {
  const statements: AccessStatement[] = [];
  const reader = Object.assign(new Construct(scope, "Reader"), {
    roleName: "reader",
    roleArn: "arn-of-the-reader",
    allow: (statement: AccessStatement) => void statements.push(statement),
  });
  store.grantRead(scope, "Read", { gateway: "gateway", names, key, reader });
  return statements;
}
