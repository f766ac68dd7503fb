/** The problem of a number that must be whole and in a range; empty when it is, or is not given. */
export function wholeNumberProblems(prop: string, value: number | undefined, minimum = 1, maximum = Number.MAX_SAFE_INTEGER): string[] {
  if (value === undefined) return [];
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return [];
  const range = maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  return [`${prop}: ${inWords(value)} is not a whole number ${range}`];
}

/** The problem of an amount (money, a weight) that must be a finite number above 0. */
export function amountProblems(prop: string, value: number | undefined): string[] {
  if (value === undefined || (Number.isFinite(value) && value > 0)) return [];
  return [`${prop}: ${inWords(value)} is not a number above 0`];
}

/** cdktf hides a value that only Terraform knows in a huge negative number. */
function inWords(value: number): string {
  return value < -1e280 ? "a value that only Terraform knows" : String(value);
}
