import { Lazy } from "cdktf";
import { AccessStatement } from "./access";

/** All that the nodes' role must be allowed, as it becomes known while the gateway is made. */
export class RoleAccess {
  private readonly others: AccessStatement[] = [];

  /**
   * @param isExisting whether the role is there already: it is given no policy, and whoever owns it sees to what is needed
   * @param statements what was granted to the role
   * @param render a policy in the cloud's own form
   */
  constructor(
    public readonly isExisting: boolean,
    private readonly statements: () => readonly AccessStatement[],
    private readonly render: (statements: readonly AccessStatement[]) => string,
  ) {}

  /** Notes what nodes need that has a policy of its own, where the role is made here. */
  public add(statement: AccessStatement): void {
    this.others.push(statement);
  }

  /** The policy that allows all of it, in the cloud's own form; complete once the stack is synthesized. */
  public document(): string {
    return Lazy.stringValue({ produce: () => this.render([...this.statements(), ...this.others]) });
  }
}
