"""iam:SimulatePrincipalPolicy: the vendor's own judge, on what is recorded now (AWS docs: IAM API reference)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.asked import Asked
from nhi_revoke_aws.sandbox.judge import weakest
from nhi_revoke_aws.sandbox.policy import Decision, Malformed, Policy, decide, parse
from nhi_revoke_aws.sandbox.state import Account, Role, User

NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
PRINCIPAL = re.compile(r"arn:[a-z-]+:iam::(?P<account>\d{12}):(?P<kind>user|role)/(.+/)?(?P<name>[^/]+)")
ENTRY = re.compile(r"ContextEntries\.member\.(?P<n>\d+)\.(?P<rest>.+)")
CONTEXT_KEY = "ContextKeyName"
DEFAULT = 100
MOST = 1000
"""Results a page."""


def simulate_principal(asked: Asked, account: Account, allows: Callable[[str], bool]) -> dict[str, Any]:
    """Raises Refusal. Neither resource policies nor organisation policies are looked at. `allows`: whether no test
    withholds an action from that principal; one that is withheld no policy of its own allows.
    """
    arn = str(asked.params.get("PolicySourceArn", ""))
    hit = PRINCIPAL.fullmatch(arn)
    if hit is None or hit["account"] != account.id:
        raise Refusal("InvalidInput", f"Invalid entity ARN: {arn}")
    holders: Mapping[str, User | Role] = account.users if hit["kind"] == "user" else account.roles
    who = holders.get(hit["name"])
    if who is None or who.arn != arn:
        raise Refusal("NoSuchEntity", f"The entity {arn} cannot be found.", 404)
    layers = [(*who.policies, *_given(asked, "PolicyInputList"))]
    if who.boundary is not None:
        layers.append(who.boundary)
    return _results(asked, layers, allows)


def simulate_custom(asked: Asked) -> dict[str, Any]:
    """Raises Refusal."""
    return _results(asked, [_given(asked, "PolicyInputList")])


def _results(
    asked: Asked, layers: list[tuple[Policy, ...]], allows: Callable[[str], bool] = lambda _: True
) -> dict[str, Any]:
    context = _context(asked)
    actions = [str(a) for a in asked.many("ActionNames")]
    if not actions:
        raise Refusal("InvalidInput", "ActionNames is required")
    resources = [str(r) for r in asked.many("ResourceArns")]
    asks = [(action, resource) for action in actions for resource in (resources or ["*"])]
    start, end = _page(asked, len(asks))
    judged = [
        (
            action,
            resource,
            weakest(decide(layer if allows(action) else (), action, resource, context) for layer in layers),
        )
        for action, resource in asks[start:end]
    ]
    if resources:
        results = [
            _by_resource(a, [(r, d) for b, r, d in judged if a == b]) for a in dict.fromkeys(x[0] for x in judged)
        ]
    else:
        results = [_result("Eval", resource, decision, EvalActionName=action) for action, resource, decision in judged]
    more = end < len(asks)
    return {"EvaluationResults": results, "IsTruncated": more, "Marker": f"simulated.{end}" if more else None}


def _page(asked: Asked, count: int) -> tuple[int, int]:
    """Each action on each resource counts as one. Raises Refusal."""
    size = min(asked.number("MaxItems", DEFAULT), MOST)
    head, _, skip = str(asked.params.get("Marker") or "simulated.0").partition(".")
    if head != "simulated" or not skip.isdigit():
        raise Refusal("ValidationError", "Invalid Marker")
    return int(skip), min(count, int(skip) + size)


def _by_resource(action: str, judged: list[tuple[str, Decision]]) -> dict[str, Any]:
    """One result for an action: the decision for each resource is inside of it, and its own is the strictest. Its own
    resource is the type's pattern and tells none (AWS docs: API_EvaluationResult); this sandbox says `*`.
    """
    strictest = weakest(decision for _, decision in judged)
    inside = [_result("EvalResource", resource, decision) for resource, decision in judged]
    return {
        **_result("Eval", "*", strictest, EvalActionName=action),
        "ResourceSpecificResults": inside,
    }


def _result(word: str, resource: str, decision: Decision, **more: str) -> dict[str, Any]:
    matched = [{"SourcePolicyId": p.source, "SourcePolicyType": p.kind} for p in decision.matched]
    return {
        **more,
        "EvalResourceName": resource,
        f"{word}Decision": decision.effect,
        "MatchedStatements": matched,
        "MissingContextValues": list(decision.missing),
    }


def _context(asked: Asked) -> dict[str, tuple[str, ...]]:
    entries: dict[str, dict[str, Any]] = {}
    for name, value in asked.params.items():
        hit = ENTRY.fullmatch(name)
        if hit is None:
            continue
        entry = entries.setdefault(hit["n"], {"values": []})
        if hit["rest"].startswith("ContextKeyValues."):
            entry["values"].append(str(value))
        else:
            entry[hit["rest"]] = str(value)
    for entry in entries.values():
        if CONTEXT_KEY not in entry or "ContextKeyType" not in entry:
            raise Refusal("InvalidInput", "a context entry needs a name and a type")
    return {str(e[CONTEXT_KEY]).lower(): tuple(e["values"]) for e in entries.values()}


def _given(asked: Asked, name: str) -> tuple[Policy, ...]:
    try:
        return tuple(
            Policy(f"{name}.{n}", f"{name}.{n}", "none", parse(str(document)))
            for n, document in enumerate(asked.many(name), 1)
        )
    except Malformed as error:
        raise Refusal("InvalidInput", f"{error}") from error
