"""A user's own SSH and signing keys: listed, told how to end by hand, never asked for."""

from __future__ import annotations

import pytest

from nhi_revoke.model.step import Manual, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke_github.access.user_key import SIGNING, SSH
from nhi_revoke_github.sandbox import seed

from .conftest import START, USER, Bench


def test_they_are_listed_with_the_place_where_they_end(bench: Bench) -> None:
    [ssh] = bench.accesses(USER, SSH).values()
    assert ssh.label.startswith("SSH key SHA256:")
    assert ssh.last_used is not None
    assert str(ssh.before["page"]).endswith("/settings/keys")
    assert str(ssh.before["call"]).endswith(f"/user/keys/{ssh.id.rpartition('/')[2]}")
    signing = bench.accesses(USER, SIGNING)
    assert {i.split("/")[-2] for i in signing} == {"ssh_signing_keys", "gpg_keys"}
    assert not any(a.opens for a in signing.values())


def test_each_is_by_hand_with_the_exact_url(bench: Bench) -> None:
    said = [d for d in bench.draft(USER) if isinstance(d, Manual) and d.kind in (SSH, SIGNING)]
    assert len(said) == 3
    for each in said:
        assert f"{bench.conn.site}/settings/keys" in each.what
        assert f"signed in as {seed.LOGIN}" in each.what
        assert f"DELETE {bench.conn.url}/user/" in each.what
    assert not [d for d in bench.draft(USER) if isinstance(d, Step) and d.does.startswith((SSH, SIGNING))]
    assert bench.writes() == []


def test_the_ssh_key_opens_what_is_the_users_own_and_the_organisation_while_it_is_a_member(bench: Bench) -> None:
    [step] = [s for s in bench.steps(USER) if s.does == "github:membership/remove"]
    bench.do(step)
    assert bench.doors()["user-ssh-key"]


def test_an_expired_or_revoked_gpg_key_is_told_and_left(bench: Bench) -> None:
    [row] = bench.sandbox.scene.machine.gpg_keys.values()
    row["expires_at"] = "2026-01-01T00:00:00Z"
    assert START.year == 2026
    [gpg] = [a for i, a in bench.accesses(USER, SIGNING).items() if "gpg_keys" in i]
    assert gpg.state == "expired"
    assert not [d for d in bench.draft(USER) if isinstance(d, Manual) and gpg.id in d.ends]


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        (SSH, "GET /users/<login>/keys"),
        (SIGNING, "GET /users/<login>/gpg_keys"),
        (SIGNING, "GET /users/<login>/ssh_signing_keys"),
    ],
)
def test_a_denied_list_is_never_none(bench: Bench, kind: str, call: str) -> None:
    bench.sandbox.fault(call, "denied")
    with pytest.raises(Denied):
        bench.collect(USER, kind)


def test_scopes(bench: Bench) -> None:
    kinds = {d.kind for d in bench.draft(USER, scope="keys") if isinstance(d, Manual)}
    assert {SSH, SIGNING} <= kinds
    assert not [d for d in bench.draft(USER, scope="sessions") if isinstance(d, Manual) and d.kind in (SSH, SIGNING)]
