"""The brake `auto`: on where the principal could repair itself, and nowhere else."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pytest

from nhi_revoke.model.change import Done, Failed
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Draft, Notice, Phase, Residual, Step
from nhi_revoke.provider.kind import View
from nhi_revoke_aws.brake import RIGHTS

from .conftest import USER, WORKER, Bench, Notes
from .narrowed import narrowed

KINDS = {USER: "aws:user-session", WORKER: "aws:role-session"}
BOTH = pytest.mark.parametrize("who", [USER, WORKER])


@pytest.fixture
def bench(bench: Bench) -> Bench:
    return narrowed(bench)


def rights(
    view: View, *actions: str, state: Literal["live", "unknown", "disabled"] = "live", label: str = "rights"
) -> Access:
    before = {"actions": list(actions)} if actions else {}
    return Access("aws:iam-rights/x", view.who.ref, RIGHTS, "grant", state, label=label, before=before, opens=False)


def drafted(bench: Bench, who: str, *more: Access | BlindSpot, **intent: Any) -> list[Draft]:
    """What the session kind drafts where the inventory holds these, too."""
    view = bench.view(who)
    placed = [msgspec.structs.replace(m, on=view.who.ref) for m in more]
    inventory = msgspec.structs.replace(
        view.inventory,
        accesses=(*view.inventory.accesses, *(m for m in placed if isinstance(m, Access))),
        blind=(*view.inventory.blind, *(m for m in placed if isinstance(m, BlindSpot))),
    )
    return list(bench.kinds[KINDS[who]].draft(View(view.who, inventory), Intent(**intent)))


def admin(bench: Bench, who: str, **more: Any) -> Access:
    return rights(bench.view(who), "iam:DeleteUserPolicy", "iam:CreateAccessKey", **more)


def steps(drafts: list[Draft]) -> list[str]:
    return [d.does.rpartition("/")[2] for d in drafts if isinstance(d, Step)]


def notices(drafts: list[Draft]) -> list[Notice]:
    return [d for d in drafts if isinstance(d, Notice)]


def brakes(drafts: list[Draft]) -> list[Step]:
    return [d for d in drafts if isinstance(d, Step) and d.brake]


@BOTH
@pytest.mark.parametrize("state", ["live", "unknown"])
def test_a_principal_that_could_repair_itself_is_stopped(bench: Bench, who: str, state: Any) -> None:
    drafts = drafted(bench, who, admin(bench, who, state=state))
    assert steps(drafts) == ["deny-all"], "no seal swaps it out"
    [brake] = brakes(drafts)
    assert brake.phase is Phase.CUT
    assert brake.breaks.endswith("until release")
    [said] = notices(drafts)
    assert said.level == "warning"
    assert "iam:CreateAccessKey, iam:DeleteUserPolicy" in said.says, "which rights"
    assert "stays until `release`" in said.says
    assert "--brake off" in said.says


@BOTH
def test_it_is_the_step_of_a_demanded_brake(bench: Bench, who: str) -> None:
    assert brakes(drafted(bench, who, admin(bench, who))) == brakes(drafted(bench, who, brake="on"))


@BOTH
def test_without_such_rights_nothing_is_braked(bench: Bench, who: str) -> None:
    plain = drafted(bench, who)
    assert not brakes(plain)
    assert not notices(plain)
    assert steps(drafted(bench, who, admin(bench, who, state="disabled"))) == steps(plain)


@BOTH
def test_brake_off_turns_it_off_and_says_what_is_left(bench: Bench, who: str) -> None:
    drafts = drafted(bench, who, admin(bench, who), brake="off")
    assert steps(drafts) == steps(drafted(bench, who))
    assert not brakes(drafts)
    [said] = notices(drafts)
    assert said.level == "danger"
    assert "iam:CreateAccessKey" in said.says


@BOTH
def test_brake_on_needs_no_reason(bench: Bench, who: str) -> None:
    assert not notices(drafted(bench, who, admin(bench, who), brake="on"))


@BOTH
def test_where_nobody_could_look_it_is_said_and_nothing_is_braked(bench: Bench, who: str) -> None:
    spot = BlindSpot(bench.resolve(who).ref, RIGHTS, "iam:SimulatePrincipalPolicy is denied")
    drafts = drafted(bench, who, spot)
    assert steps(drafts) == steps(drafted(bench, who))
    [said] = notices(drafts)
    assert said.level == "warning"
    assert "could repair itself could not be seen" in said.says
    assert "iam:SimulatePrincipalPolicy is denied" in said.says
    assert not notices(drafted(bench, who, spot, brake="off")), "who wants none needs no warning that there is none"
    both = drafted(bench, who, spot, admin(bench, who))
    assert brakes(both), "what was seen is enough"


@BOTH
def test_a_rollover_brakes_nobody(bench: Bench, who: str) -> None:
    drafts = drafted(bench, who, admin(bench, who), order="rollover")
    assert not brakes(drafts)
    assert not notices(drafts)


@pytest.mark.parametrize(("scope", "expected"), [("sessions", ["deny-older"]), ("keys", [])])
def test_a_narrower_scope_does_not_stop_the_user_and_says_what_that_means(
    bench: Bench, scope: str, expected: list[str]
) -> None:
    drafts = drafted(bench, USER, admin(bench, USER), scope=scope)
    assert steps(drafts) == expected
    assert not brakes(drafts)
    [said] = notices(drafts)
    assert said.level == "danger"
    assert f"--scope {scope} leaves it running" in said.says


def test_a_principal_that_the_scope_does_not_touch_is_not_spoken_of(bench: Bench) -> None:
    assert not notices(drafted(bench, WORKER, admin(bench, WORKER), scope="keys")), "a role has no keys"
    assert not notices(
        drafted(bench, USER, admin(bench, USER), scope="aws:role-session/111122223333/payments-worker/x")
    )


def test_many_rights_are_cut_short(bench: Bench) -> None:
    many = rights(bench.view(USER), *(f"iam:Do{n}" for n in range(9)))
    [said] = notices(drafted(bench, USER, many))
    assert "iam:Do5 and 3 more)" in said.says


def test_rights_without_names_are_told_in_their_own_words(bench: Bench) -> None:
    [said] = notices(drafted(bench, USER, rights(bench.view(USER), label="beneath our own deny nothing is told")))
    assert "(beneath our own deny nothing is told)" in said.says


def test_login_stays_unproven_only_where_the_brake_is_released_in_the_run(bench: Bench) -> None:
    """Beneath a deny-all nothing refreshes; after the release it is denied by its two actions alone."""

    def residuals(**intent: Any) -> list[Draft]:
        return [d for d in drafted(bench, USER, admin(bench, USER), **intent) if isinstance(d, Residual)]

    assert not residuals()
    assert residuals(replace=("aws:access-key",))
    assert residuals(brake="off")
    [said] = notices(drafted(bench, USER, admin(bench, USER), replace=("aws:access-key",)))
    assert "stays until the new key is delivered" in said.says


def test_the_brake_of_another_run_is_left_to_that_run(bench: Bench) -> None:
    [first] = brakes(drafted(bench, USER, admin(bench, USER)))
    standing = bench.do(msgspec.structs.replace(first, id="first")).left
    bench.run = Notes("run2")
    drafts = drafted(bench, USER, admin(bench, USER, state="unknown"))
    assert not brakes(drafts)
    assert any("release that run" in n.says for n in notices(drafts))

    [mine] = brakes(drafted(bench, USER, brake="on"))
    mine = msgspec.structs.replace(mine, id="mine")
    bench.do(mine)
    release = msgspec.structs.replace(
        mine, id="r", does="aws:user-session/release", phase=Phase.RELEASE, replaces="mine"
    )
    change = bench.do(release)
    assert isinstance(change, Failed), "nothing is told as released while it stands"
    assert "20261123T120000Z7f3a" in change.why
    assert bench.state("payments-bot")["inline"]["NHIRevoke"] == standing["doc"]


def test_its_step_stops_the_user_and_its_release_lets_a_new_key_work(bench: Bench) -> None:
    [brake] = brakes(drafted(bench, USER, admin(bench, USER)))
    brake = msgspec.structs.replace(brake, id="b")
    before = bench.state("payments-bot")
    assert isinstance(bench.do(brake), Done)
    bench.settle()
    doors = bench.doors()
    assert not any(
        doors[d] for d in ("active-key", "get-session-token", "console-session", "aws-login", "minted-after")
    )
    release = msgspec.structs.replace(brake, id="r", does="aws:user-session/release", phase=Phase.RELEASE, replaces="b")
    assert isinstance(bench.do(release), Done)
    bench.settle()
    doors = bench.doors()
    assert doors["active-key"]
    assert not any(doors[d] for d in ("get-session-token", "console-session", "aws-login", "minted-after"))
    after = bench.state("payments-bot")
    after["inline"].pop("NHIRevoke")
    assert after == before, "one policy of ours, and nothing else"
