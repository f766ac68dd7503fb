/**
 * An amount of another currency in US dollars, to four decimals, at a rate that the code states: LiteLLM counts in dollars.
 * @param perUsd how much of the currency one US dollar costs
 * @throws RangeError when one of the two is not a number above 0
 * @example usd(800, { perUsd: 7.25 }) // 800 yuan a day: 110.3448
 */
export function usd(amount: number, { perUsd }: { readonly perUsd: number }): number {
  for (const [name, value] of Object.entries({ amount, perUsd })) {
    if (!Number.isFinite(value) || value <= 0) throw new RangeError(`usd: ${name}: ${value} is not a number above 0`);
  }
  return Math.round((amount / perUsd) * 10_000) / 10_000;
}
