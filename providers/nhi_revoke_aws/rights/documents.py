"""Managed policies that allow what a stage needs, and no more.

AWS docs: reference_policies_grammar, reference_iam-quotas.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from nhi_revoke.model.right import Document, Stage
from nhi_revoke_aws.rights.resources import NARROW, narrowed

MOST = 6144
"""Characters of a managed policy; white space is not counted (facts aws.md 2.4)."""
EVERYWHERE = "Anywhere"
Statement = dict[str, Any]


def documents(stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
    """One policy, or as many as it takes. Actions that this tool's own policies or deliveries narrow stand by
    themselves, so that whoever hands the policy over can put a secret's own ARN there.
    """
    parts = _packed(_statements(permissions))
    for number, statements in enumerate(parts, 1):
        end = "" if len(parts) == 1 else f"-{number}"
        which = "" if len(parts) == 1 else f"Part {number} of {len(parts)}: all of them belong together. "
        create = f"aws iam create-policy --policy-name nhi-revoke-{stage}{end} --policy-document file://FILE"
        yield Document(
            f"policy{end}",
            f"nhi-revoke-{stage}{end}.json",
            "application/json",
            json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2) + "\n",
            f"{which}{create}, attached to the responder's role or user in each account.{_aside(statements)}",
            tuple(action for each in statements for action in each["Action"]),
        )


def size(statements: Sequence[Statement]) -> int:
    """Characters as AWS counts them."""
    return len(json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":")))


def _aside(statements: Sequence[Statement]) -> str:
    named = [each["Sid"] for each in statements if each["Sid"] in {narrow.sid for narrow in NARROW if narrow.of_one}]
    if not named:
        return ""
    return f" Put the ARNs of what you deliver to into {' and '.join(named)} there: these lines allow to read secrets."


def _statements(permissions: Sequence[str]) -> list[Statement]:
    narrow = {each: [a for a in sorted(permissions) if a in each.actions] for each in NARROW}
    rest = [action for action in sorted(permissions) if narrowed(action) is None]
    return [
        *([_statement(EVERYWHERE, rest, "*")] if rest else []),
        *(_statement(each.sid, actions, each.resource) for each, actions in narrow.items() if actions),
    ]


def _statement(sid: str, actions: list[str], resource: str) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}


def _packed(statements: list[Statement]) -> list[list[Statement]]:
    """As they come, into policies that fit. Each action goes where there is room, in its statement's order."""
    parts: list[list[Statement]] = [[]]
    for statement in statements:
        for action in statement["Action"]:
            if size(_with(parts[-1], statement, action)) > MOST:
                parts.append([])
            parts[-1] = _with(parts[-1], statement, action)
    return [part for part in parts if part]


def _with(part: list[Statement], statement: Statement, action: str) -> list[Statement]:
    if part and part[-1]["Sid"] == statement["Sid"]:
        return [*part[:-1], {**part[-1], "Action": [*part[-1]["Action"], action]}]
    return [*part, {**statement, "Action": [action]}]
