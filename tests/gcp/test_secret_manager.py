"""Delivery to Secret Manager: looked at, written as the newest version once proven, read back, taken back, told."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.provider.fault import Denied, NoAnswer, Rejected
from nhi_revoke.provider.secret import Secret
from nhi_revoke_gcp import permissions as p
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.secrets import DESTROYED, DISABLED, ENABLED, held
from nhi_revoke_gcp.store.address import parse_address, project_in
from nhi_revoke_gcp.store.crc32c import crc32c
from nhi_revoke_gcp.store.versions import MOST, GcpSecret

from .conftest import START, Bench
from .secret_bench import (
    ADD,
    NEW,
    OLD,
    PUBLIC,
    STORE,
    TO,
    check,
    do,
    minted,
    pair,
    put,
    secret,
    seen,
    states,
    step,
    text,
    undo,
)

# -- CRC32C ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_crc32c_by_the_vectors_of_rfc_3720(data: bytes, told: int) -> None:
    assert crc32c(data) == told


# -- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "path", "key"),
    [
        (TO, f"/v1/projects/{seed.PROJECT}/secrets/{seed.SECRET}", ""),
        (f"gcp-secretmanager:{TO}#token", f"/v1/projects/{seed.PROJECT}/secrets/{seed.SECRET}", "token"),
        ("projects/123456789012/secrets/A_b-1", "/v1/projects/123456789012/secrets/A_b-1", ""),
        ("example.com:shop-prod/key", "/v1/projects/example.com%3Ashop-prod/secrets/key", ""),
    ],
)
def test_addresses(typed: str, path: str, key: str) -> None:
    assert (parse_address(typed).path, parse_address(typed).key) == (path, key)


@pytest.mark.parametrize(
    "typed",
    ["", "key", "shop-prod/", "shop-prod/a/b", "shop-prod/../x", "Shop/x", "projects/p/secrets/x/versions/3", "a b/c",
     "projects/shop-prod/locations/europe-west1/secrets/key"],
)  # fmt: skip
def test_what_is_no_address_is_asked_of_nobody(bench: Bench, typed: str) -> None:
    assert isinstance(check(bench, typed), Impossible)
    assert project_in(typed) == ""
    assert not [c for c in bench.sandbox.calls() if "secrets" in c.name]


# -- the look --------------------------------------------------------------------------------------------------------


def test_the_look_changes_nothing_and_says_that_nothing_is_written(bench: Bench) -> None:
    was = held(secret(bench))
    assert check(bench) is None
    minted(bench)
    assert do(bench, "stage").left["unwritten"]
    assert seen(bench, "stage") == bench.run.left("stage")
    assert isinstance(undo(bench, "stage"), Already)
    assert held(secret(bench)) == was
    assert bench.writes() == []


def test_a_secret_that_is_not_there_is_made_by_whoever_knows(bench: Bench) -> None:
    found = check(bench, f"{seed.PROJECT}/mistyped")
    assert found is not None
    assert found.manual == f"create it: gcloud secrets create mistyped --project={seed.PROJECT}"


def test_one_without_a_version_yet_is_written(bench: Bench) -> None:
    put(bench)
    assert check(bench) is None
    minted(bench)
    left = do(bench, "serve").left
    assert (left["version"], left["previous"]) == (1, 0)
    assert "leaves" not in left
    assert json.loads(text(bench)) == NEW.fields()
    assert isinstance(undo(bench, "serve"), Impossible)


@pytest.mark.parametrize("lacking", [p.ADD_VERSION, p.ACCESS_VERSION])
def test_what_the_operator_may_not_do_is_named_before_anything_is_made(bench: Bench, lacking: str) -> None:
    needed = {p.GET_SECRET, p.LIST_VERSIONS, p.ACCESS_VERSION, p.ADD_VERSION}
    bench.cloud.secret_manager.granted = frozenset(needed - {lacking})
    found = check(bench)
    assert found is not None
    assert lacking in found.why
    assert bench.writes() == []


def test_an_api_that_is_off_is_a_denial_that_says_so(bench: Bench) -> None:
    bench.cloud.off.add("secretmanager")
    with pytest.raises(Denied) as caught:
        check(bench)
    assert "secretmanager.googleapis.com" in caught.value.hint


@pytest.mark.parametrize("state", [DISABLED, DESTROYED])
def test_a_newest_version_that_cannot_be_read_is_not_merged_into(bench: Bench, state: str) -> None:
    put(bench, pair(), pair()).versions[-1].state = state
    found = check(bench)
    assert found is not None
    assert "versions enable 2" in found.manual
    minted(bench)
    assert isinstance(do(bench, "serve"), Failed)
    assert check(bench, f"{TO}#-") is None, "of text alone nothing is lost"


@pytest.mark.parametrize(("held_text", "to"), [("plain", TO), ("plain", f"{TO}#k"), (pair(), f"{TO}#-"), ("[1]", TO)])
def test_a_text_that_the_new_one_does_not_fit_is_left(bench: Bench, held_text: str, to: str) -> None:
    put(bench, held_text)
    assert isinstance(check(bench, to), Impossible)
    minted(bench)
    with pytest.raises(Rejected):
        do(bench, "serve", to)
    assert text(bench) == held_text


# -- written, read back, taken back ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "before", "after"),
    [
        (TO, pair(region="eu"), {**NEW.fields(), "region": "eu"}),
        (f"{TO}#token", '{"token": "old", "user": "x"}', {"token": NEW.reveal(), "user": "x"}),
        (f"{TO}#-", "old", NEW.reveal()),
    ],
)
def test_written_read_back_and_taken_back(bench: Bench, to: str, before: str, after: Any) -> None:
    put(bench, before)
    minted(bench)
    do(bench, "stage", to)
    change = do(bench, "serve", to)
    assert isinstance(change, Done)
    assert (text(bench) if isinstance(after, str) else json.loads(text(bench))) == after
    assert seen(bench, "serve", to) == change.left
    assert secret(bench).versions[-1].summed, "CRC32C went with it"
    assert bench.writes() == [ADD]
    assert isinstance(undo(bench, "serve", to), Done)
    assert text(bench) == before
    assert states(bench) == [ENABLED] * 3
    assert seen(bench, "serve", to) is None
    assert isinstance(undo(bench, "serve", to), Already), "once is enough"
    told = json.dumps([bench.run.lefts, repr(NEW)])
    assert NEW.reveal() not in told
    assert OLD not in told


def test_whoever_is_pinned_is_told(bench: Bench) -> None:
    """Facts gcp.md 7, 23."""
    put(bench, pair(), pair()).aliases.update({"prod": 2, "old": 1})
    minted(bench)
    said = do(bench, "serve").left["leaves"]
    assert "version 2 of secret payments-key of project shop-prod still holds the old credential" in said
    assert "point" in said
    assert "old (version 1), prod (version 2)" in said


def test_read_back_by_number_though_no_list_has_it_yet(bench: Bench) -> None:
    """Only by its number is a new version there at once (secret-manager/reference/consistency)."""
    put(bench, pair())
    bench.sandbox.lag(300, 0)
    minted(bench)
    left = do(bench, "serve").left
    assert [v.number for v in GcpSecret(bench.conn, TO).listed()] == [1]
    assert seen(bench, "serve") == left
    assert isinstance(do(bench, "serve"), Already), "it is found though it is not listed"
    assert bench.writes() == [ADD]


@pytest.mark.parametrize("to", [TO, f"{TO}#token"])
def test_after_a_lost_answer_it_is_looked_for_before_anything_is_written_again(bench: Bench, to: str) -> None:
    """Facts gcp.md 7, 14: addVersion twice is two versions."""
    put(bench, pair())
    minted(bench)
    bench.sandbox.fault(ADD, "lost", times=1)
    with pytest.raises(NoAnswer):
        do(bench, "serve", to)
    assert seen(bench, "serve", to)["version"] == 2
    change = do(bench, "serve", to)
    assert isinstance(change, Already)
    assert (change.left["version"], change.left["previous"]) == (2, 1)
    assert bench.writes() == [ADD]
    assert len(secret(bench).versions) == 2


def test_a_text_that_was_damaged_on_its_way_is_not_used(bench: Bench) -> None:
    put(bench, pair())
    minted(bench)
    bench.cloud.secret_manager.damage = 1
    with pytest.raises(Rejected, match="CRC32C"):
        do(bench, "serve")
    assert bench.writes() == []
    do(bench, "serve")
    bench.cloud.secret_manager.damage = 1
    with pytest.raises(Rejected, match="CRC32C"):
        seen(bench, "serve")


def test_the_sandbox_refuses_a_text_that_does_not_match_its_checksum(bench: Bench) -> None:
    payload = {"data": base64.b64encode(b"x").decode(), "dataCrc32c": str(crc32c(b"y"))}
    with pytest.raises(Rejected):
        bench.conn.api("secretmanager").call("POST", f"{parse_address(TO).path}:addVersion", body={"payload": payload})


def test_what_is_too_large_is_not_sent(bench: Bench) -> None:
    put(bench, pair(more="x" * MOST))
    minted(bench)
    with pytest.raises(Rejected, match="64 KiB"):
        do(bench, "serve")
    assert bench.writes() == []


def test_bytes_that_are_no_text_are_left(bench: Bench) -> None:
    with bench.cloud.lock:
        secret(bench).versions.clear()
        secret(bench).add(b"\xff\xfe", START)
    assert isinstance(check(bench), Impossible)


def test_somebody_wrote_after_this_run_it_is_left(bench: Bench) -> None:
    put(bench, pair())
    minted(bench)
    do(bench, "serve")
    with bench.cloud.lock:
        secret(bench).add(pair("x", "AKIAOTHER").encode(), START)
    assert seen(bench, "serve") is None
    assert isinstance(do(bench, "serve"), Failed)
    assert isinstance(undo(bench, "serve"), Failed)
    assert bench.writes() == [ADD]


def test_an_undo_whose_former_version_is_off_names_the_way(bench: Bench) -> None:
    put(bench, pair())
    minted(bench)
    do(bench, "serve")
    secret(bench).versions[0].state = DISABLED
    found = undo(bench, "serve")
    assert isinstance(found, Impossible)
    assert "versions enable 1" in found.manual


def test_after_a_crash_it_is_taken_up_from_the_secret(bench: Bench) -> None:
    put(bench, pair())
    minted(bench)
    do(bench, "stage")
    shape = Secret("", field=NEW.field, public=PUBLIC)
    assert STORE.recall(bench.conn, step("stage"), bench.run, shape) is None
    do(bench, "serve")
    found = STORE.recall(bench.conn, step("stage"), bench.run, shape)
    assert found is not None
    assert found.fingerprint() == NEW.fingerprint()
    bench.run.secrets.clear()
    assert seen(bench, "serve") == bench.run.left("serve")
    bench.run.lefts.pop("serve")
    assert seen(bench, "serve")["version"] == 2, "by its public parts"


def test_the_store_is_in_the_registry_and_of_the_projects_own_connection(bench: Bench) -> None:
    assert [each.name for each in bench.provider.targets()] == ["gcp-secretmanager"]
    assert bench.provider.scope_of_target(f"{TO}#k", bench.settings) == seed.PROJECT
    assert msgspec.json.encode(STORE.says)
