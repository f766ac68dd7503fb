// 300 are applied by test/extended/aws/many-secrets.test.ts; how policies are cut is seen at synthesis, in test/gateway-role.test.ts.
import { describeManySecrets } from "../../support/policies/many-secrets";

describeManySecrets({ count: 20, managed: 0 });
