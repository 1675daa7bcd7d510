"""Formats in Key Vault: written once proven, read back, taken up after a crash, taken back."""

from __future__ import annotations

import io
import json
from typing import Any

import dotenv
import pytest

from nhi_revoke.model.change import Done, Impossible
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.layout import JSON
from nhi_revoke.provider.secret import Secret
from nhi_revoke_entra.access.client_secret_mint import VARIABLES
from nhi_revoke_entra.sandbox import seed

from .conftest import Bench
from .test_key_vault import NEW, PUBLIC, PUT, STORE, add, check, do, minted, secret, seen, step, undo

TO = f"{seed.VAULT}/bot-env"
ENV = f"{TO}#{VARIABLES.spelled}"
OLD = "# shop\nHOST=db\nAZURE_CLIENT_ID=c\nAZURE_TENANT_ID=t\nAZURE_CLIENT_SECRET='canary old'\n"


def value(bench: Bench) -> str:
    return str(secret(bench, "bot-env").versions[-1].value)


def recalled(bench: Bench) -> Secret | None:
    return STORE.recall(bench.conn, step("stage", ENV), bench.run, Secret("", field=NEW.field, public=PUBLIC))


def test_the_variables_that_the_sdk_reads(bench: Bench) -> None:
    add(bench, "bot-env", OLD)
    minted(bench)
    assert check(bench, ENV) is None
    do(bench, "stage", ENV)
    assert recalled(bench) is None, "the old one has the same client id, and is not the new one"
    change = do(bench, "serve", ENV)
    assert isinstance(change, Done)
    assert seen(bench, "serve", ENV) == change.left
    assert value(bench) == OLD.replace("'canary old'", NEW.reveal())
    assert dotenv.dotenv_values(stream=io.StringIO(value(bench))) == {
        "HOST": "db",
        "AZURE_CLIENT_ID": "c",
        "AZURE_TENANT_ID": "t",
        "AZURE_CLIENT_SECRET": NEW.reveal(),
    }
    assert secret(bench, "bot-env").versions[-1].content_type == "text/plain"
    bench.run.secrets.clear()
    found = recalled(bench)
    assert found is not None
    assert (found.fingerprint(), found.public) == (NEW.fingerprint(), PUBLIC)
    assert isinstance(undo(bench, "serve", ENV), Done)
    assert value(bench) == OLD
    assert bench.writes() == [PUT, PUT]
    assert NEW.reveal() not in json.dumps(bench.run.lefts)


def test_json_is_all_fields_and_not_the_secret_part_alone(bench: Bench) -> None:
    add(bench, "bot-env", '{"host": "db"}')
    minted(bench)
    to = f"{TO}#{JSON.spelled}"
    assert check(bench, to) is None
    do(bench, "serve", to)
    assert json.loads(value(bench)) == {"host": "db", **NEW.fields()}
    assert secret(bench, "bot-env").versions[-1].content_type == "application/json"


@pytest.mark.parametrize("held", ['{"client_secret": "canary"}', "canary", "A='canary"])
def test_another_form_is_left_as_it_is(bench: Bench, held: str) -> None:
    add(bench, "bot-env", held)
    minted(bench)
    wrong: Any = check(bench, ENV)
    assert isinstance(wrong, Impossible)
    assert "line 1 of it is none of a dotenv file" in wrong.why
    assert "canary" not in wrong.why
    with pytest.raises(Rejected):
        do(bench, "serve", ENV)
    assert value(bench) == held
    assert bench.writes() == []


def test_one_that_is_not_there_is_made_by_hand_with_a_text_that_fits(bench: Bench) -> None:
    wrong = check(bench, f"{seed.VAULT}/none#{VARIABLES.spelled}")
    assert wrong is not None
    assert "--value '#'" in wrong.manual
