import type { GroupState } from "../../litellm/agents";
import { AdminApi, LiveTeam } from "./admin-api";
import { Difference, differences, groupOf, teamSpec } from "./key-spec";
import { problemOf } from "./reconcile";

/** What was done for a group. */
export interface GroupOutcome {
  readonly group: string;
  /** `kept`: it is named no more, but keys are still in it. */
  readonly action: "made" | "changed" | "unchanged" | "removed" | "kept" | "failed";
  readonly changes?: readonly Difference[];
  /** Of a failure, why. */
  readonly problem?: string;
}

/** Makes the team of a group what it should be, by one call at most. */
export async function settleGroup(api: AdminApi, group: GroupState, found: LiveTeam | undefined): Promise<GroupOutcome> {
  const spec = teamSpec(group);
  const changes = found === undefined ? [] : differences(found, spec);
  return orFailed(group.name, async () => {
    if (found === undefined) {
      await api.makeTeam(spec);
      return { group: group.name, action: "made" };
    }
    if (changes.length === 0) return { group: group.name, action: "unchanged" };
    await api.changeTeam(spec);
    return { group: group.name, action: "changed", changes };
  });
}

/** Removes the teams of groups that are named no more. LiteLLM deletes a team's keys with it, so that one with keys is kept. */
export async function removeGroups(api: AdminApi, teams: readonly LiveTeam[], named: readonly GroupState[]): Promise<GroupOutcome[]> {
  return Promise.all(
    absentGroups(teams, named).map(({ name, id }) =>
      orFailed(name, async () => {
        const keys = (await api.team(id))?.keys.length ?? 0;
        if (keys > 0) return { group: name, action: "kept", problem: `${keys} keys are still in it` };
        await api.removeTeam(id);
        return { group: name, action: "removed" };
      }),
    ),
  );
}

/** The groups that have a team and are named no more. */
export function absentGroups(teams: readonly LiveTeam[], named: readonly GroupState[]): { readonly name: string; readonly id: string }[] {
  const names = new Set(named.map(({ name }) => name));
  return teams.flatMap((team) => {
    const name = groupOf(team);
    return name === undefined || names.has(name) ? [] : [{ name, id: team.team_id }];
  });
}

async function orFailed(group: string, work: () => Promise<GroupOutcome>): Promise<GroupOutcome> {
  try {
    return await work();
  } catch (error) {
    return { group, action: "failed", problem: problemOf(error) };
  }
}
