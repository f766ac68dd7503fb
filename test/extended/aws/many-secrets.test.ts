import { describeManySecrets } from "../../support/policies/many-secrets";

describeManySecrets({ count: 300, managed: 2 });
