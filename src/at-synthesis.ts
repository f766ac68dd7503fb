import { Aspects } from "cdktf";
import { Construct, IConstruct } from "constructs";

/** Does something once, at synthesis: when all of the stack is there, and before any of it is written. */
export function atSynthesis(scope: Construct, act: () => void): void {
  let isDone = false;
  Aspects.of(scope).add({
    // Asked for every construct below, too, and again at each synthesis.
    visit: (node: IConstruct) => {
      if (node !== scope || isDone) return;
      isDone = true;
      act();
    },
  });
}
