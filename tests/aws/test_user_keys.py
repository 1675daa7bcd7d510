"""SSH public keys and signing certificates: ended by status, taken back, deleted; and nothing beside them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.found import Access
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke_aws.sandbox.own.user_keys import CERTIFICATE

from .conftest import USER, Bench

BOT = "payments-bot"
SSH, CERT = "aws:ssh-key", "aws:signing-certificate"
BOTH = [SSH, CERT]
NEEDED = {SSH: "iam:UpdateSSHPublicKey", CERT: "iam:UpdateSigningCertificate"}
LISTS = {SSH: "iam:ListSSHPublicKeys", CERT: "iam:ListSigningCertificates"}


@pytest.fixture
def bench(bench: Bench) -> Bench:
    bench.kinds = {name: kind for name, kind in bench.kinds.items() if name in BOTH}
    return bench


def statuses(bench: Bench) -> dict[str, str]:
    """Of both kinds, by id."""
    iam = bench.sandbox.admin("iam")
    keys = {k["SSHPublicKeyId"]: k["Status"] for k in iam.list_ssh_public_keys(UserName=BOT)["SSHPublicKeys"]}
    certificates = iam.list_signing_certificates(UserName=BOT)["Certificates"]
    return {**keys, **{c["CertificateId"]: c["Status"] for c in certificates}}


def found(bench: Bench, kind: str) -> list[Access]:
    return [a for a in bench.kinds[kind].collect(bench.conn, bench.ref(USER), bench.io) if isinstance(a, Access)]


def upload(bench: Bench, kind: str) -> str:
    iam = bench.sandbox.admin("iam")
    if kind == SSH:
        made = iam.upload_ssh_public_key(UserName=BOT, SSHPublicKeyBody="ssh-ed25519 AAAA second")
        return str(made["SSHPublicKey"]["SSHPublicKeyId"])
    made = iam.upload_signing_certificate(UserName=BOT, CertificateBody=CERTIFICATE)
    return str(made["Certificate"]["CertificateId"])


def remove(bench: Bench, kind: str, its_id: str) -> None:
    iam = bench.sandbox.admin("iam")
    if kind == SSH:
        iam.delete_ssh_public_key(UserName=BOT, SSHPublicKeyId=its_id)
    else:
        iam.delete_signing_certificate(UserName=BOT, CertificateId=its_id)


def id_of(step: Step) -> str:
    return step.ends[0].rpartition("/")[2]


@pytest.mark.parametrize("kind", BOTH)
def test_listed_with_one_request_and_no_body(bench: Bench, kind: str) -> None:
    bench.sandbox.forget_calls()
    [access] = found(bench, kind)
    assert bench.reads() == [LISTS[kind]]
    assert access.id.rpartition("/")[2] in statuses(bench)
    assert (access.state, access.door, access.before) == ("live", access.id.rpartition("/")[2], {"Status": "Active"})
    assert access.family == {SSH: "key", CERT: "certificate"}[kind]
    assert access.created is not None
    text = msgspec.json.encode(access).decode()
    assert CERTIFICATE.splitlines()[1] not in text
    assert "BEGIN" not in text


@pytest.mark.parametrize("kind", BOTH)
def test_disable_shuts_its_door_alone_and_undo_opens_it(bench: Bench, kind: str) -> None:
    before, doors, state = statuses(bench), bench.doors(), bench.state(BOT)
    step = bench.steps(USER)[f"{kind}/disable"]
    assert (step.rearms, step.reversible, step.phase) == ("always", True, Phase.END)
    assert bench.seen(step) is None
    bench.sandbox.forget_calls()
    assert isinstance(bench.do(step), Done)
    assert bench.writes() == [NEEDED[kind]]
    assert bench.seen(step) == {"Status": "Inactive"}
    bench.settle()
    assert {k for k, is_open in bench.doors().items() if is_open != doors[k]} == {kind.removeprefix("aws:")}
    assert statuses(bench) == {**before, id_of(step): "Inactive"}
    assert bench.state(BOT) == state
    assert isinstance(bench.undo(step), Done)
    bench.settle()
    assert bench.doors() == doors
    assert statuses(bench) == before
    assert isinstance(bench.undo(step), Already)


@pytest.mark.parametrize("kind", BOTH)
def test_an_inactive_one_is_listed_with_who_can_bring_it_back(bench: Bench, kind: str) -> None:
    bench.do(bench.steps(USER)[f"{kind}/disable"])
    [access] = found(bench, kind)
    assert access.state == "disabled"
    assert NEEDED[kind] in access.note
    assert f"{kind}/disable" not in bench.steps(USER), "it is ended already"


@pytest.mark.parametrize("kind", BOTH)
def test_undo_and_disable_of_one_that_is_gone(bench: Bench, kind: str) -> None:
    step = bench.steps(USER)[f"{kind}/disable"]
    bench.do(step)
    remove(bench, kind, id_of(step))
    bench.sandbox.forget_calls()
    assert isinstance(bench.undo(step), Failed)
    assert bench.writes() == []
    assert isinstance(bench.do(step), Already)
    assert bench.seen(step) == {"Status": "gone"}


@pytest.mark.parametrize("kind", BOTH)
def test_delete_is_for_good_and_takes_one_alone(bench: Bench, kind: str) -> None:
    step = replace(bench.steps(USER)[f"{kind}/disable"], does=f"{kind}/delete")
    other = upload(bench, kind)
    before = statuses(bench)
    doer = bench.doer(step.does)
    assert (doer.phase, doer.reversible) == (Phase.FINISH, False)
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"Status": "gone"}
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Impossible)
    assert statuses(bench) == {i: s for i, s in before.items() if i != id_of(step)}
    assert statuses(bench)[other] == "Active"


@pytest.mark.parametrize("kind", BOTH)
def test_every_page_is_read(bench: Bench, kind: str) -> None:
    wanted = {a.id for a in found(bench, kind)} | {f"{kind}/{upload(bench, kind)}"}
    bench.sandbox.page_size(1)
    bench.sandbox.forget_calls()
    assert {a.id for a in found(bench, kind)} == wanted
    assert bench.reads() == [LISTS[kind]] * 2


@pytest.mark.parametrize("kind", BOTH)
def test_a_denied_list_is_never_none(bench: Bench, kind: str) -> None:
    bench.sandbox.allow_only(["iam:GetUser"])
    with pytest.raises(Denied) as denied:
        found(bench, kind)
    assert denied.value.needs == LISTS[kind]


@pytest.mark.parametrize("kind", BOTH)
def test_narrowed_to_keys_or_to_sessions(bench: Bench, kind: str) -> None:
    """Both are among what `--scope keys` ends; `--scope sessions` leaves them."""
    assert f"{kind}/disable" in bench.steps(USER, scope="keys")
    assert f"{kind}/disable" not in bench.steps(USER, scope="sessions")


@pytest.mark.parametrize("kind", BOTH)
def test_what_a_doer_needs_is_what_it_asks(bench: Bench, kind: str) -> None:
    doers: list[Any] = list(bench.kinds[kind].remedies)
    step = bench.steps(USER)[f"{kind}/disable"]
    for doer in doers:
        bench.sandbox.allow_only(doer.permissions)
        done = doer.apply(bench.conn, step, bench.run)
        assert isinstance(done, Done)
        doer.seen(bench.conn, step, bench.run)
        doer.undo(bench.conn, step, done.left, bench.run)
