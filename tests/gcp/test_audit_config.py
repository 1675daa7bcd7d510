"""Whether Data Access logs are on, by `auditConfigs` of a project and above it; what an empty look at them is worth.

Facts gcp.md 1 (row 3), 7 (19, 20, 21). Google Cloud docs: audit-logging-iamcreds, configure-data-access, AuditConfig.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from nhi_revoke.model.found import BlindSpot
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_gcp.audit_config import ALL, CARRY, may_be
from nhi_revoke_gcp.observing import LINEAGE
from nhi_revoke_gcp.permissions import GET_POLICY_OF, LIST_LOGS, LIST_PRIVATE_LOGS, SEE_PROJECT
from nhi_revoke_gcp.sandbox import scene_above as above
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.audit_configs import turn_off, turn_on
from nhi_revoke_gcp.stopping import TOKEN

from .conftest import BOT, START, Bench
from .desk import Desk, Ran, opened
from .trail import A_DAY, blind, gave, other, seen, sessions, token_of

PROJECT, PARTNER = f"projects/{seed.PROJECT}", f"projects/{seed.PARTNER}"
ME = f"serviceAccount:{seed.EMAIL}"
STOPS = ("gcp:service-account/disable",)
SERVICE = "iam.googleapis.com"
OFF = f"Data Access logs of {seed.PROJECT} are off for {SERVICE}: nothing is written of tokens that are given"


def on(
    bench: Bench,
    resource: str = PROJECT,
    types: Sequence[str] = CARRY,
    service: str = SERVICE,
    exempted: Sequence[str] = (),
) -> None:
    """Since long ago."""
    turn_on(bench.cloud, resource, bench.scene.then, types, service, exempted)


def both(bench: Bench) -> tuple[list[BlindSpot], list[BlindSpot]]:
    """What counts, but for entries that come late: of its tokens, and of those that it got."""
    found = seen(bench)
    tokens, lineage = ([b for b in blind(found, kind) if b.until is None and b.counts] for kind in (TOKEN, LINEAGE))
    assert {b.covered_by for b in tokens} <= {STOPS}, "tokens of it end with it"
    assert {b.covered_by for b in lineage} <= {()}, "those of others do not"
    return tokens, lineage


def without(bench: Bench, *withheld: str) -> None:
    every = {p for kind in bench.provider.kinds() for p in (*kind.reads, *kind.reads_logs)}
    bench.sandbox.allow_only(sorted(every - set(withheld)))


# -- off ---------------------------------------------------------------------------------------------------------------


def test_off_is_told_with_what_to_turn_on(bench: Bench) -> None:
    for [spot] in both(bench):
        assert spot.why.endswith(OFF)
        assert spot.needs == (
            f"ADMIN_READ and DATA_READ of {SERVICE}, or of allServices, in auditConfigs of {seed.PROJECT}: "
            "seen from then on"
        )


@pytest.mark.parametrize(("types", "service"), [(["DATA_WRITE"], ALL), (CARRY, "storage.googleapis.com")])
def test_other_services_and_writes_are_no_tokens(bench: Bench, types: Sequence[str], service: str) -> None:
    on(bench, types=types, service=service)
    for [spot] in both(bench):
        assert spot.why.endswith(OFF)


def test_turned_off_since_the_last_entry_it_is_off(bench: Bench) -> None:
    on(bench)
    gave(bench, bench.account, token_of(bench, bench.scene.runner))
    turn_off(bench.cloud, PROJECT, START)
    assert len(sessions(seen(bench))) == 1
    for [spot] in both(bench):
        assert spot.why.endswith(OFF)


def test_nothing_is_asked_of_a_log_that_is_off(bench: Bench) -> None:
    """And nothing of levels whose policies another kind has read."""
    view = bench.view(BOT)
    before = len(bench.sandbox.calls())
    list(bench.kinds[TOKEN].observe(bench.conn, view.who, view.accesses, START - A_DAY, bench.io))
    made = [call.name for call in bench.sandbox.calls()[before:]]
    assert made.count("POST /v2/entries:list") == 2
    assert not [name for name in made if "getIamPolicy" in name or "getAncestry" in name]


# -- on ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", [SERVICE, ALL])
@pytest.mark.parametrize("resource", [PROJECT, above.FOLDER, above.ORGANIZATION])
def test_on_at_any_level_an_empty_look_is_none_seen_since(bench: Bench, resource: str, service: str) -> None:
    """A level above turns it on for all below it; all services are the IAM API, too."""
    on(bench, resource, service=service)
    assert both(bench) == ([], [])
    said = [b for b in blind(seen(bench), LINEAGE) if "show none since" in b.why]
    assert [b.counts for b in said] == [False]
    assert "2026-11-27T23:55:00Z" in said[0].why
    assert "whether a sink of shop-prod drops entries" in said[0].why


def test_each_level_may_turn_on_its_part(bench: Bench) -> None:
    on(bench, PROJECT, types=["ADMIN_READ"])
    on(bench, above.ORGANIZATION, types=["DATA_READ"], service=ALL)
    assert both(bench) == ([], [])


@pytest.mark.parametrize("alone", CARRY)
def test_of_one_type_alone_nobody_knows_until_a_token_shows(bench: Bench, alone: str) -> None:
    """In which of them tokens stand Google's documents tell differently."""
    on(bench, types=[alone])
    [missing] = set(CARRY) - {alone}
    for [spot] in both(bench):
        assert f"{alone} alone is on, and no token shows there" in spot.why
        assert spot.needs.startswith(f"{missing} of {SERVICE}")
    bench.cloud.trail.carried_as = alone
    gave(bench, other(bench), token_of(bench, bench.scene.runner))
    assert both(bench) == ([], [])


def test_what_a_key_got_is_in_no_log_whatever_is_on(bench: Bench) -> None:
    """It is said, and what stands for all of them is there."""
    on(bench)
    [said] = [b for b in blind(seen(bench), TOKEN) if "a key or a machine" in b.why]
    assert not said.counts
    [every] = [a for a in bench.accesses(BOT, TOKEN).values() if a.id.endswith("/*")]
    assert every.state == "unknown"


def test_on_but_not_to_be_read_looks_empty_and_is_told(bench: Bench) -> None:
    """Private entries are hidden from whoever must not read them, without a refusal."""
    on(bench)
    gave(bench, bench.account, token_of(bench, bench.scene.runner))
    without(bench, LIST_PRIVATE_LOGS)
    assert sessions(seen(bench)) == []
    for [spot] in both(bench):
        assert spot.why.endswith("are on, and this operator may not read them")
        assert spot.needs == LIST_PRIVATE_LOGS


def test_whether_they_may_be_read_must_be_known(bench: Bench) -> None:
    on(bench)
    bench.sandbox.fault("POST /v3/projects/<name>:testIamPermissions", "denied", 99)
    for [spot] in both(bench):
        assert "whether they may be read is not known" in spot.why


# -- since when --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", [PROJECT, above.ORGANIZATION])
def test_turned_on_a_while_ago_what_was_given_before_is_unseen(bench: Bench, resource: str) -> None:
    """Whoever follows the advice of the first look must not be told "none" by the second."""
    turn_on(bench.cloud, resource, START - timedelta(hours=1))
    for [spot] in both(bench):
        assert "was changed at 2026-11-28T11:00:00Z in the policy of " in spot.why
        assert spot.why.endswith("live until 2026-11-28T23:05:00Z at the latest")
    bench.sandbox.advance(12 * 3600)
    assert both(bench) == ([], []), "no token of before can live"


def test_since_when_it_is_on_above_must_be_read_there(bench: Bench) -> None:
    on(bench, above.ORGANIZATION)
    bench.cloud.trail.closed.add(above.ORGANIZATION)
    for [spot] in both(bench):
        assert "since when Data Access logs are as organisation 900000000009 has them could not be read" in spot.why
        assert spot.needs == LIST_LOGS


def test_other_changes_of_the_policy_are_none_of_them(bench: Bench) -> None:
    on(bench)
    turn_on(bench.cloud, PROJECT, START - timedelta(hours=1), service="storage.googleapis.com")
    assert both(bench) == ([], [])


# -- for whom ----------------------------------------------------------------------------------------------------------


def test_itself_exempted_it_leaves_no_trace_of_what_it_became(bench: Bench) -> None:
    on(bench, exempted=[ME])
    gave(bench, other(bench), token_of(bench, bench.account))
    assert sessions(seen(bench)) == []
    for [spot] in both(bench):
        assert f"{ME} is exempted from Data Access logs by the policy of project {seed.PROJECT}" in spot.why


def test_another_one_exempted_hides_who_became_it_and_nothing_else(bench: Bench) -> None:
    on(bench, above.FOLDER, exempted=["user:somebody@example.com"])
    on(bench)
    [tokens], lineage = both(bench)
    assert "user:somebody@example.com is exempted from Data Access logs by the policy of folder" in tokens.why
    assert lineage == []


@pytest.mark.parametrize(
    ("member", "may"),
    [
        (ME, True),
        (ME.upper().replace("SERVICEACCOUNT", "serviceAccount"), True),
        ("group:all@example.com", True),
        ("allAuthenticatedUsers", True),
        ("serviceAccount:other@shop-prod.iam.gserviceaccount.com", False),
        (f"deleted:{ME}?uid=1", False),
        ("user:somebody@example.com", False),
    ],
)
def test_a_group_may_hold_it(member: str, may: bool) -> None:
    assert may_be(member, seed.EMAIL) is may


# -- unread ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", list(GET_POLICY_OF))
def test_a_level_that_may_not_be_read_may_have_turned_them_on(bench: Bench, sort: str) -> None:
    """Facts gcp.md 7, 21: never "off", and never "none"."""
    without(bench, GET_POLICY_OF[sort])
    for [spot] in both(bench):
        assert f"whether Data Access logs of {seed.PROJECT}, which show none, are on could not be read" in spot.why
        assert spot.needs == GET_POLICY_OF[sort]


def test_on_below_a_level_that_may_not_be_read_somebody_may_be_exempted_there(bench: Bench) -> None:
    on(bench)
    without(bench, GET_POLICY_OF["organizations"])
    for [spot] in both(bench):
        assert "whether somebody is exempted" in spot.why
        assert "the policy of organisation 900000000009" in spot.why
        assert spot.needs == GET_POLICY_OF["organizations"]


def test_levels_that_are_not_told_may_have_turned_them_on(bench: Bench) -> None:
    without(bench, SEE_PROJECT)
    for [spot] in both(bench):
        assert "what stands above the project" in spot.why
        assert spot.needs == SEE_PROJECT


def test_somebody_elses_token_shows_that_they_are_on(bench: Bench) -> None:
    on(bench, above.ORGANIZATION)
    gave(bench, other(bench), token_of(bench, bench.scene.runner))
    without(bench, GET_POLICY_OF["organizations"])
    for [spot] in both(bench):
        assert "whether somebody is exempted" in spot.why


def test_of_each_project_that_is_named_its_own_policies_say_it(bench: Bench) -> None:
    on(bench)
    bench.conn = bench.connect(projects=(seed.PARTNER,))
    tokens, [lineage] = both(bench)
    assert tokens == [], "its own tokens stand in its own project's log"
    assert f"Data Access logs of {seed.PARTNER} are off" in lineage.why
    on(bench, PARTNER)
    bench.conn = bench.connect(projects=(seed.PARTNER,))
    assert both(bench) == ([], [])


# -- on the screen -----------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """It reaches no other account, and nobody needs to look by hand: what is left is what the logs do not show."""
    sandbox, made = opened(tmp_path, deliver=False)
    sandbox.table["domain_wide_delegation"] = "none"
    ledger = sandbox.cloud.accounts[f"{above.LEDGER}@{seed.PROJECT}.iam.gserviceaccount.com"]
    sandbox.cloud.write_policy(ledger, type(ledger.policy.shown)(version=1, etag=b"1"), sandbox.now(), 0.0)
    yield made
    made.check()
    sandbox.close()


def contained(desk: Desk) -> Ran:
    return desk("revoke", BOT, "--yes", "--rotate", "no", "--since", "1d")


def test_contained_with_logs_on_nothing_is_unseen(desk: Desk) -> None:
    turn_on(desk.sandbox.cloud, PROJECT, desk.sandbox.scene.then)
    ran = contained(desk)
    assert ran.code == 0, ran
    assert "Data Access logs, which are on for iam.googleapis.com (project shop-prod), show none since" in ran.words
    assert "tokens that a key or a machine got are written in no log" in ran.words


def test_contained_with_logs_off_it_is_nine_and_says_what_to_turn_on(desk: Desk) -> None:
    ran = contained(desk)
    assert ran.code == 9, ran
    assert f"UNSEEN {BOT} {LINEAGE}: which accounts it got tokens of: {OFF}" in ran.words
    assert f"(needs ADMIN_READ and DATA_READ of {SERVICE}, or of allServices, in auditConfigs of shop-prod" in ran.words


def test_contained_and_exempted_it_is_nine(desk: Desk) -> None:
    turn_on(desk.sandbox.cloud, above.ORGANIZATION, desk.sandbox.scene.then, exempted=[ME])
    ran = contained(desk)
    assert ran.code == 9, ran
    assert f"{ME} is exempted from Data Access logs by the policy of organisation 900000000009" in ran.words


def test_contained_and_not_read_it_is_nine_and_names_the_level(desk: Desk) -> None:
    kinds = gcp.kinds()
    every = {p for kind in kinds for p in (*kind.reads, *kind.reads_logs)}
    every |= {p for kind in kinds for doer in kind.remedies for p in doer.permissions}
    desk.sandbox.allow_only(sorted(every - {GET_POLICY_OF["organizations"]}))
    ran = contained(desk)
    assert ran.code == 9, ran
    assert "are on could not be read (the policy of organisation 900000000009" in ran.words
    assert GET_POLICY_OF["organizations"] in ran.words


# -- written back ------------------------------------------------------------------------------------------------------


def test_a_member_that_is_cut_leaves_them_as_they_are(bench: Bench) -> None:
    """SetIamPolicyRequest.updateMask: bindings and etag, and nothing else of the policy."""
    for resource in (PROJECT, above.ORGANIZATION):
        on(bench, resource, exempted=["user:somebody@example.com"])
    held = {resource: policy.shown.audit_configs[0] for resource, policy in bench.cloud.levels.policies.items()
            if policy.shown.audit_configs}  # fmt: skip
    assert set(held) == {PROJECT, above.ORGANIZATION}
    trusts = {str(a.before["member"]): a.id for a in bench.accesses(BOT, "gcp:inherited-impersonation").values()}
    mine = tuple(trust for member, trust in trusts.items() if member.startswith("serviceAccount:"))
    steps = [s for s in bench.steps(BOT, brake="off", cut_trust=mine) if s.does == "gcp:inherited-impersonation/cut"]
    assert len(steps) == 2
    for step in steps:
        bench.do(step)
        bench.undo(step)
    assert len([name for name in bench.writes() if name.endswith(":setIamPolicy")]) == 4
    for resource, config in held.items():
        assert list(bench.cloud.levels.policies[resource].shown.audit_configs) == [config]
