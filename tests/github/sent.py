"""By which of the operator's credentials each request came: the sandbox's operator has a token and an App."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.sandbox.rest import Asked, Route
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.gate import GithubGate
from nhi_revoke_github.sandbox.plant_tokens import RESPONDER

ME, MY_APP = PrincipalRef("github", "user", seed.OPERATOR), PrincipalRef("github", "app", RESPONDER)


class Sent(NamedTuple):
    call: str
    path: str
    by: str
    """`token`, `app` (its installation's token) or `jwt`."""


def log_of(gate: GithubGate, monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    """By which credential of the operator each request came, refused ones included."""
    sent: list[Sent] = []
    real = gate.caller

    def caller(asked: Asked, route: Route) -> Any:
        value = asked.headers.get("authorization", "").partition(" ")[2]
        by = "jwt" if value.count(".") == 2 else {"ghp": "token", "ghs": "app"}[value.partition("_")[0]]
        sent.append(Sent(route.name, asked.path, by))
        return real(asked, route)

    monkeypatch.setattr(gate, "caller", caller)
    return sent
