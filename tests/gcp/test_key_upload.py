"""A key that is made here: Google gets its certificate alone, and the file is built here (facts gcp.md 4, 7)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from google.oauth2 import service_account

from nhi_revoke.model.change import Done, Impossible
from nhi_revoke.model.identity import Delivery, Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Draft, Manual, Phase, Step
from nhi_revoke.provider import text as formatted
from nhi_revoke.provider.fault import NoAnswer, Rejected
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_gcp.access.key_upload import BITS, LASTS
from nhi_revoke_gcp.constraints import NO_KEYS, NO_UPLOADS
from nhi_revoke_gcp.sandbox import uploads
from nhi_revoke_gcp.sandbox.scene import first_key
from nhi_revoke_gcp.sandbox.state import LIMIT

from .conftest import BOT, START, Bench, Whole, world

KEY, KIND = "gcp:key", "gcp:uploaded-key"
UPLOAD, CREATE, DELETE = "iam.UploadServiceAccountKey", "iam.CreateServiceAccountKey", "iam.DeleteServiceAccountKey"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Whatever Google was given."""
    found: list[bytes] = []
    good = uploads._certificate

    def noted(data: bytes) -> Any:
        found.append(data)
        return good(data)

    monkeypatch.setattr(uploads, "_certificate", noted)
    return found


def drafted(bench: Bench, *kinds: str, **intent: Any) -> list[Draft]:
    wanted = kinds or (KIND,)
    deliver = tuple(Delivery(kind=kind, to="file:/run/secrets/bot.json") for kind in wanted)
    view = bench.view(BOT, identity=Identity("bot", (bench.resolve(BOT).ref,), deliver=deliver))
    asked = Intent(**{"brake": "off", "replace": wanted, **intent})
    return [d for kind in (KEY, KIND) for d in bench.kinds[kind].draft(view, asked)]


def mint(bench: Bench) -> Step:
    [step] = [d for d in drafted(bench) if isinstance(d, Step) and d.does == f"{KIND}/create"]
    return step


def unreplaced(bench: Bench, *kinds: str) -> str:
    found = drafted(bench, *kinds)
    assert not [d for d in found if isinstance(d, Step) and d.does == f"{KIND}/create"]
    return next(d.what for d in found if isinstance(d, Manual))


def fill(bench: Bench) -> None:
    while sum(key.type == "USER_MANAGED" for key in bench.account.listed()) < LIMIT:
        bench.cloud.new_key(bench.account, first_key(bench.account).created)
    for key in bench.account.keys.values():
        key.disabled.set(False, bench.sandbox.now(), 0.0)


def test_google_gets_the_certificate_and_nothing_else(bench: Bench, sent: list[bytes]) -> None:
    """Facts gcp.md 4, and 7, 15: ids alone are journaled."""
    step = mint(bench)
    change = bench.do(step)
    assert isinstance(change, Done)
    secret = bench.run.take(step.id)
    [data] = sent
    assert b"PRIVATE" not in data
    assert data.count(b"-----BEGIN") == 1
    certificate = x509.load_pem_x509_certificate(data)
    public = certificate.public_key()
    assert isinstance(public, RSAPublicKey)
    assert public.key_size == BITS
    assert certificate.version is x509.Version.v3
    assert certificate.subject.rfc4514_string() == "CN=unused", "anybody may read it"
    assert list(certificate.extensions) == []
    lines = secret.reveal().splitlines()[1:-1]
    told = json.dumps([change.left, step.before, repr(secret)])
    assert not [line for line in lines if line in told or line.encode() in data]
    assert bench.writes() == [UPLOAD]


def test_the_file_is_as_google_writes_one(bench: Bench) -> None:
    step = mint(bench)
    left = bench.do(step).left
    file = bench.run.take(step.id).fields()
    made = bench.account.keys[file["private_key_id"]]
    other = bench.cloud.key_file(bench.account, first_key(bench.account), bench.sandbox.grpc.token_uri)
    assert set(file) == set(other)
    differs = {"private_key", "private_key_id"}
    assert {k: v for k, v in file.items() if k not in differs} == {k: v for k, v in other.items() if k not in differs}
    assert left["id"] == f"{KEY}/{bench.account.email}/{made.id}"
    assert bench.seen(step) == left
    assert service_account.Credentials.from_service_account_info(file).service_account_email == bench.account.email


def test_of_another_universe_it_names_that_ones_endpoint(bench: Bench) -> None:
    """Facts gcp.md 7, 27."""
    other = bench.connect(universe_domain="s3nsapis.fr", token_url="")
    assert (other.token_uri, other.universe) == ("https://oauth2.s3nsapis.fr/token", "s3nsapis.fr")
    bench.conn = bench.connect(universe_domain="s3nsapis.fr")
    step = mint(bench)
    bench.do(step)
    file = bench.run.take(step.id).fields()
    assert file["universe_domain"] == "s3nsapis.fr"
    assert "googleapis.com" not in json.dumps(file)


def test_it_ends_with_its_certificate_and_says_when(bench: Bench) -> None:
    left = bench.do(mint(bench)).left
    assert datetime.fromisoformat(left["expires"]) == START + LASTS
    [access] = [a for a in bench.accesses(BOT, KEY).values() if a.id == left["id"]]
    assert access.expires == START + LASTS
    assert access.before["keyOrigin"] == "USER_PROVIDED"
    assert "uploaded" in access.note


def test_it_is_proven_by_a_token_and_unproven_until_there_is_one(bench: Bench) -> None:
    bench.sandbox.lag(60, 0)
    step = mint(bench)
    bench.do(step)
    doer, secret = bench.doer(step.does), bench.run.take(step.id)
    assert doer.opens(bench.conn, step, secret).proof is Proof.UNPROVEN
    bench.sandbox.advance(61)
    assert doer.opens(bench.conn, step, secret).proof is Proof.ENFORCED


def test_a_lost_answer_is_found_by_difference_and_never_repeated(bench: Bench) -> None:
    """Facts gcp.md 7, 14. What Google makes for somebody else meanwhile is nobody's orphan here."""
    step = mint(bench)
    doer = bench.doer(step.does)
    bench.cloud.new_key(bench.account, START)
    bench.sandbox.fault(UPLOAD, "lost", times=1)
    with pytest.raises(NoAnswer):
        bench.do(step)
    assert bench.writes() == [UPLOAD]
    [orphan] = doer.orphans(bench.conn, step)
    assert isinstance(doer.destroy(bench.conn, step, orphan), Done)
    assert doer.orphans(bench.conn, step) == []
    assert bench.writes() == [UPLOAD, DELETE]


@pytest.mark.parametrize("told_as", ["RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"])
def test_the_cap_is_impossible_in_both_of_its_forms_and_no_pause(bench: Bench, told_as: str) -> None:
    step = mint(bench)
    fill(bench)
    bench.cloud.limit_told_as = told_as
    before = bench.sandbox.now()
    change = bench.do(step)
    assert isinstance(change, Impossible)
    assert "ten keys" in change.why
    assert bench.sandbox.now() - before < timedelta(minutes=1)
    assert bench.writes() == [UPLOAD]
    assert "all ten slots are full" in unreplaced(bench)


@pytest.mark.parametrize("constraint", NO_UPLOADS)
def test_an_organisation_that_forbids_uploads_is_named_before_and_meanwhile(bench: Bench, constraint: str) -> None:
    step = mint(bench)
    bench.cloud.constraints[constraint] = [{"enforce": True}]
    change = bench.do(step)
    assert isinstance(change, Impossible)
    assert change.why == f"constraints/{constraint} of the organisation lets nobody upload a key for this account"
    bench.conn = bench.connect()
    said = unreplaced(bench)
    assert f"constraints/{constraint} of the organisation lets nobody upload a key" in said
    assert "workload identity federation" in said
    assert [d for d in drafted(bench, KEY) if isinstance(d, Step) and d.does == f"{KEY}/create"], "Google may make one"


@pytest.mark.parametrize("constraint", NO_KEYS)
def test_where_nobody_may_make_one_to_upload_it_is_a_way_out(bench: Bench, constraint: str) -> None:
    bench.cloud.constraints[constraint] = [{"enforce": True}]
    bench.conn = bench.connect()
    assert f"from = '{KIND}'" in unreplaced(bench, KEY)
    assert mint(bench).does == f"{KIND}/create"
    bench.cloud.constraints[NO_UPLOADS[0]] = [{"enforce": True}]
    bench.conn = bench.connect()
    assert KIND not in unreplaced(bench, KEY)


def test_both_sorts_at_once_are_not_made(bench: Bench) -> None:
    found = drafted(bench, KEY, KIND)
    assert [d.does for d in found if isinstance(d, Step) and d.phase is Phase.MINT] == [f"{KEY}/create"]
    assert ["Keep one of the two" in d.what for d in found if isinstance(d, Manual)] == [True]


@pytest.mark.parametrize("data", [b"x", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_the_sandbox_takes_certificates_alone(bench: Bench, data: bytes) -> None:
    asked = {"name": bench.account.resource, "public_key_data": data}
    with pytest.raises(Rejected, match="INVALID_ARGUMENT"):
        bench.conn.iam.send("upload_service_account_key", asked, "", again=False)


# -- whole runs ------------------------------------------------------------------------------------------------------


@pytest.fixture
def uploading(tmp_path: Path) -> Iterator[Whole]:
    with world(tmp_path, intent=Intent(rotate="now", brake="off"), kind=KIND) as made:
        yield made


@pytest.mark.parametrize("order", ["contain", "rollover"])
def test_it_takes_the_place_of_keys_that_google_made(uploading: Whole, order: Literal["contain", "rollover"]) -> None:
    plan = uploading.plan(Intent(order=order, rotate="now", brake="off", replace=uploading.intent.replace))
    report = uploading.run(plan, verb="rotate" if order == "rollover" else "revoke")
    [one] = report.replacements
    assert (one.result, one.proof, one.kind) == ("served", Proof.ENFORCED, KIND)
    account = uploading.gcp.scene.account
    alive = [k for k in account.listed() if k.works(uploading.clock.now()) and k.type == "USER_MANAGED"]
    file = json.loads((uploading.folder / "payments-gcp.json").read_text())
    assert [k.id for k in alive] == [file["private_key_id"]]
    assert not uploading.open_doors() & {"key", "second-key"}
    assert mispredicted(uploading, report) == []
    asked = [c.name for c in uploading.sandbox.calls() if c.by == "operator" and c.mutates]
    assert CREATE not in asked
    assert asked.count(UPLOAD) == 1
    if order == "rollover":
        assert asked[0] == UPLOAD, "the old ones work until the new one is served"
    journal = "".join(p.read_text() for p in uploading.folder.rglob("*.jsonl"))
    assert journal
    assert not [line for line in file["private_key"].splitlines() if len(line) > 30 and line in journal]


def test_the_second_rotation_ends_the_first_ones_key(uploading: Whole) -> None:
    intent = Intent(order="rollover", rotate="now", replace=uploading.intent.replace)
    [first] = uploading.run(uploading.plan(intent), verb="rotate").replacements
    [second] = uploading.run(uploading.plan(intent), verb="rotate").replacements
    assert (first.result, second.result) == ("served", "served")
    keys = uploading.gcp.scene.account.keys
    assert first.access is not None
    assert second.access is not None
    assert keys[first.access.rpartition("/")[2]].disabled.shown
    assert not keys[second.access.rpartition("/")[2]].disabled.shown
    assert uploading.clock.now().tzinfo is UTC


def test_as_gcp_json_googles_library_takes_it(bench: Bench) -> None:
    step = mint(bench)
    bench.do(step)
    secret, [layout] = bench.run.take(step.id), bench.doer(step.does).layouts
    text = formatted.written(None, secret, layout)
    found = service_account.Credentials.from_service_account_info(json.loads(text))
    assert found.service_account_email == bench.account.email
    assert formatted.unfit(text, layout) == ""
