"""Says what parliament finds in policies: reads {name: text of a policy} from standard input, prints {name: [finding]}.

A finding is the name of its kind and, where parliament says so, the actions that it is about.
"""

import json
import sys

from parliament import analyze_policy_string


def main() -> None:
    """Print the findings of every policy."""
    policies: dict[str, str] = json.load(sys.stdin)
    json.dump({name: findings(policy) for name, policy in policies.items()}, sys.stdout)


def findings(policy: str) -> list[str]:
    """Return what is found in one policy, each kind once."""
    return sorted({described(finding.issue, finding.detail) for finding in analyze_policy_string(policy).findings})


def described(issue: str, detail: object) -> str:
    """Return a finding in one line."""
    if not isinstance(detail, list):
        return issue
    actions = sorted({item["action"] if isinstance(item, dict) else str(item) for item in detail})
    return f"{issue}: {' '.join(actions)}"


if __name__ == "__main__":
    main()
