"""Formats in Secret Manager: written once proven, read back, taken up after a crash, taken back, forgotten."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from google.oauth2 import service_account

from nhi_revoke.model.change import Done, Impossible
from nhi_revoke.provider import text as formatted
from nhi_revoke.provider.certificate import new_pair
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.layout import ALONE, WHOLE, Layout
from nhi_revoke.provider.secret import Secret
from nhi_revoke_gcp.access.key_file import Holder, public_fields
from nhi_revoke_gcp.access.key_mint import FIELD, KEY_FILE
from nhi_revoke_gcp.universe import PUBLIC as UNIVERSE

from .conftest import START, Bench
from .secret_bench import ADD, DISABLE, STORE, TO, check, do, minted, put, seen, step, text, undo

HOLDER = Holder("bot@shop-prod.iam.gserviceaccount.com", "123456789012345678901", "shop-prod")
URI = "https://oauth2.googleapis.com/token"


PAIRS = [new_pair("unused", START, START + timedelta(days=1)) for _ in range(2)]
OLD, NEW = (
    Secret(pair.private, field=FIELD, public=public_fields(HOLDER, f"key-{number}", URI, UNIVERSE))
    for number, pair in enumerate(PAIRS)
)
OWN = Layout("env", "variables", (("GOOGLE_CREDENTIALS", WHOLE),))
ALONE_THERE = Layout("env", "variables", (("BOT_KEY", ALONE),))
FILE = f"{TO}#{KEY_FILE.spelled}"


def written(secret: Secret, layout: Layout, present: str | None = None) -> str:
    return formatted.written(present, secret, layout)


def recalled(bench: Bench, to: str) -> Secret | None:
    return STORE.recall(bench.conn, step("stage", to), bench.run, Secret("", field=FIELD, public=NEW.public))


def test_the_key_file_whole(bench: Bench) -> None:
    """Google's own library takes what lies there."""
    put(bench, written(OLD, KEY_FILE))
    minted(bench, NEW)
    assert check(bench, FILE) is None
    do(bench, "stage", FILE)
    change = do(bench, "serve", FILE)
    assert isinstance(change, Done)
    assert seen(bench, "serve", FILE) == change.left
    assert bench.writes() == [ADD]
    info = json.loads(text(bench))
    assert info == NEW.fields()
    assert list(info)[:4] == ["type", "project_id", "private_key_id", "private_key"], "as Google writes it"
    found = service_account.Credentials.from_service_account_info(info)
    assert found.service_account_email == HOLDER.email
    assert isinstance(undo(bench, "serve", FILE), Done)
    assert json.loads(text(bench)) == OLD.fields()
    assert "PRIVATE KEY" not in json.dumps([bench.run.lefts, repr(NEW)])


@pytest.mark.parametrize("layout", [KEY_FILE, OWN, ALONE_THERE])
def test_taken_up_after_a_crash_that_ate_the_answer(bench: Bench, layout: Layout) -> None:
    """And what stood there before is never taken for the new one."""
    to = f"{TO}#{layout.spelled}"
    put(bench, written(OLD, layout))
    minted(bench, NEW)
    do(bench, "stage", to)
    assert recalled(bench, to) is None
    one = step("serve", to)
    STORE.serve.apply(bench.conn, one, bench.run)
    bench.run.secrets.clear()
    found = recalled(bench, to)
    assert found is not None
    assert (found.fingerprint(), found.public) == (NEW.fingerprint(), NEW.public)
    bench.run.give("mint", found)
    do(bench, "serve", to)
    assert bench.writes() == [ADD], "it is not written twice"


def test_versions_that_hold_the_old_one_are_disabled(bench: Bench) -> None:
    put(bench, written(NEW, OWN, "A=0\n"), written(OLD, OWN, "A=1\n"), written(OLD, OWN, "A=2\n"))
    to = f"{TO}#{OWN.spelled}"
    other = Secret("pem", field=FIELD, public={**NEW.public, "private_key_id": "key-3"})
    minted(bench, other)
    do(bench, "stage", to)
    do(bench, "serve", to)
    assert text(bench) == written(other, OWN, "A=2\n"), "what else is there stays"
    assert do(bench, "forget", to).left["disabled"] == [3, 2]
    assert bench.writes() == [ADD, DISABLE, DISABLE]


@pytest.mark.parametrize(
    ("layout", "held", "why"),
    [
        (KEY_FILE, '{"type": "service_account", "host": "canary"}', "take away: host"),
        (KEY_FILE, "canary", "no JSON object"),
        (OWN, '{"type": "canary"}', "line 1 of it is none of a dotenv file"),
    ],
)
def test_another_form_is_left_as_it_is(bench: Bench, layout: Layout, held: str, why: str) -> None:
    to = f"{TO}#{layout.spelled}"
    put(bench, held)
    wrong = check(bench, to)
    assert isinstance(wrong, Impossible)
    assert why in wrong.why
    assert "canary" not in wrong.why
    minted(bench, NEW)
    with pytest.raises(Rejected) as refused:
        do(bench, "serve", to)
    assert why in refused.value.message
    assert bench.writes() == []
