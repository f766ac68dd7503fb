import type { AgentState } from "../../litellm/agents";
import { AdminApi } from "./admin-api";

/** Tells which agents' budgets never bite, since a model that they may call costs nothing at the gateway. */
export type PriceCheck = (agent: AgentState) => Promise<string | undefined>;

/** Asks the gateway once, when it is first needed; where the listener does not let that through, nothing is told. */
export function priceCheck(api: AdminApi): PriceCheck {
  let asked: Promise<ReadonlySet<string>> | undefined;
  return async ({ name, dailyBudgetUsd, group, models }) => {
    if (dailyBudgetUsd === undefined && group === undefined) return undefined;
    asked ??= unpriced(api);
    const found = await asked;
    const free = models.filter((model) => found.has(model));
    if (free.length === 0) return undefined;
    const budget = dailyBudgetUsd === undefined ? "group's budget" : "dailyBudgetUsd";
    return `${name}: its ${budget} holds for all models but ${free.join(", ")}, of which the gateway knows no price; set the model's prop price`;
  };
}

async function unpriced(api: AdminApi): Promise<ReadonlySet<string>> {
  const models = (await api.models()) ?? [];
  const priced = new Set(
    models
      .filter(({ model_info: info }) => (info?.input_cost_per_token ?? 0) > 0 || (info?.output_cost_per_token ?? 0) > 0)
      .map(({ model_name: name }) => name),
  );
  return new Set(models.map(({ model_name: name }) => name).filter((name) => !priced.has(name)));
}
