"""Says what parliament finds in policies: reads {name: policy} from standard input, prints {name: [finding]}.

A finding is the name of its kind, the id of its statement, and, where parliament says so, the actions that it is about.
"""

import json
import sys
from typing import TypedDict

from parliament import analyze_policy_string


class Finding(TypedDict):
    """What is found in a statement."""

    issue: str
    statement: str
    actions: list[str]


class Statement(TypedDict):
    """The part of a statement that is read here."""

    Sid: str


class Policy(TypedDict):
    """The part of a policy that is read here."""

    Version: str
    Statement: list[Statement]


def main() -> None:
    """Print the findings of every policy."""
    policies: dict[str, Policy] = json.load(sys.stdin)
    json.dump({name: findings(policy) for name, policy in policies.items()}, sys.stdout)


def findings(policy: Policy) -> list[Finding]:
    """Return what is found in one policy."""
    statements = policy["Statement"]
    # One statement a line, because a finding says in which line it is.
    lines = ",\n".join(map(json.dumps, statements))
    text = f'{{"Version":{json.dumps(policy["Version"])},"Statement":[\n{lines}\n]}}'
    return [
        {
            "issue": finding.issue,
            "statement": statements[finding.location["line"] - 2]["Sid"],
            "actions": actions(finding.detail),
        }
        for finding in analyze_policy_string(text).findings
    ]


def actions(detail: object) -> list[str]:
    """Return the actions that a finding is about."""
    if not isinstance(detail, list):
        return []
    return sorted({item["action"] if isinstance(item, dict) else str(item) for item in detail})


if __name__ == "__main__":
    main()
