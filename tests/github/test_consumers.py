"""Who uses a credential in an organisation: by the id in a variable, by the map, by name; and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from nhi_revoke.model.consumer import Consumer, Mark, Sought
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Delivery, Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied
from nhi_revoke_github.consumers import shelves
from nhi_revoke_github.sandbox import routes_secrets as secrets
from nhi_revoke_github.sandbox import routes_variables as variables
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.state import ORG, Repository
from nhi_revoke_github.store.sealing import parse_address

from .conftest import APP, START, Bench

AWS = PrincipalRef("aws", "", "arn:aws:iam::111122223333:user/payments-bot")
ENTRA = PrincipalRef("entra", "app", "00000000-0000-0000-0000-00000000a001")
KEY, OTHER, CANARY = "AKIAEXAMPLEKEY000001", "AKIASOMEBODYELSE0001", "canary-value-of-a-secret"
AWS_KEY = "aws:access-key"
MARK = Mark(KEY, AWS, "aws:access-key/x/1", AWS_KEY, "AccessKeyId")
SOUGHT = Sought("payments-bot", (Principal(AWS, "user", "payments-bot", "1", "AIDA1"),), (MARK,))
SHOP = f"{ORG}/shop"
ENVIRONMENTS = secrets.ENVIRONMENT.removesuffix("/<environment>/secrets")
PROD = "environments/production"


def shop(bench: Bench) -> Repository:
    return bench.hub.repositories[SHOP]


def secret(shelf: dict[str, Any], name: str, **more: Any) -> None:
    secrets.new_secret(shelf, name, CANARY, START, **more)


def variable(shelf: dict[str, Any], name: str, value: str, **more: Any) -> None:
    variables.new_variable(shelf, name, value, START, **more)


def plant(bench: Bench) -> None:
    """One of everything, and beside each something of somebody else."""
    of = shop(bench)
    secret(of.secrets["actions"], "PAYMENTS_BOT_KEY")
    secret(of.secrets["actions"], "AWS_SECRET_ACCESS_KEY")
    secret(of.secrets["actions"], "AZURE_CLIENT_SECRET")
    secret(of.secrets["actions"], "BOT_PAYMENTS")
    secret(of.secrets["dependabot"], "AWS_ACCESS_KEY_ID")
    secret(of.secrets[PROD], "PAYMENTS_BOT")
    secret(bench.hub.org_secrets, "PAYMENTS_BOT", visibility="selected", repositories=[of.id])
    secret(bench.hub.org_secrets, "MAPPED", visibility="all", repositories=[])
    variable(of.variables.setdefault("actions", {}), "SETTINGS", f'{{"id": "{KEY}"}}')
    variable(of.variables["actions"], "OTHERS", f'{{"id": "{OTHER}"}}')
    variable(of.variables["actions"], "AWS_ACCESS_KEY_ID", OTHER)
    variable(of.variables.setdefault(PROD, {}), "AWS_ACCESS_KEY_ID", KEY)
    variable(of.variables[PROD], "PAYMENTS_BOT_REGION", "eu-west-1")
    variable(bench.hub.org_variables, "KEY_ID", KEY, visibility="private")
    variable(bench.hub.org_variables, "ELSE", "nothing", visibility="all")


MAPPED = Delivery(AWS_KEY, f"github-actions:org/{ORG}/mapped#AccessKeyId")
WITH_MAP = msgspec.structs.replace(SOUGHT, delivered=(MAPPED,))
ALL = {
    f"secret PAYMENTS_BOT_KEY of {SHOP}": "name",
    f"secret AWS_SECRET_ACCESS_KEY of {SHOP}": "name",
    f"secret AWS_ACCESS_KEY_ID of Dependabot of {SHOP}": "name",
    f"secret PAYMENTS_BOT of environment production of {SHOP}": "name",
    f"secret PAYMENTS_BOT of organisation {ORG}": "name",
    f"secret MAPPED of organisation {ORG}": "reference",
    f"variable SETTINGS of {SHOP}": "id",
    f"variable AWS_ACCESS_KEY_ID of environment production of {SHOP}": "id",
    f"variable PAYMENTS_BOT_REGION of environment production of {SHOP}": "name",
    f"variable KEY_ID of organisation {ORG}": "id",
}


def look(bench: Bench, sought: Sought = WITH_MAP) -> tuple[dict[str, Consumer], list[BlindSpot]]:
    """By what each is called. Nothing changes anything, and no value comes out."""
    found = list(bench.provider.consumers(bench.conn, sought))
    assert bench.writes() == []
    assert CANARY not in msgspec.json.encode(found).decode()
    rows = [each for each in found if isinstance(each, Consumer)]
    assert len({each.what for each in rows}) == len(rows)
    return {each.what: each for each in rows}, [each for each in found if isinstance(each, BlindSpot) and each.counts]


class TestFound:
    def test_everything_that_may_use_it_and_nothing_else(self, bench: Bench) -> None:
        plant(bench)
        found, unseen = look(bench)
        assert {what: each.basis for what, each in found.items()} == ALL
        assert unseen == []
        assert {each.scope for each in found.values()} == {ORG}

    def test_only_what_holds_the_id_or_is_mapped_says_whose_it_is(self, bench: Bench) -> None:
        plant(bench)
        found, _ = look(bench)
        assert {each.of for each in found.values() if each.basis == "name"} == {()}
        assert {each.of for each in found.values() if each.basis != "name"} == {(AWS,)}

    def test_an_organisations_tells_which_repositories_read_it(self, bench: Bench) -> None:
        plant(bench)
        found, _ = look(bench)
        assert found[f"secret PAYMENTS_BOT of organisation {ORG}"].why.endswith(f"read by {SHOP}")
        assert found[f"secret MAPPED of organisation {ORG}"].why.endswith("read by every repository")
        assert found[f"variable KEY_ID of organisation {ORG}"].why.endswith("read by every private repository")

    def test_a_well_known_name_counts_for_its_own_cloud_alone(self, bench: Bench) -> None:
        plant(bench)
        who = Principal(ENTRA, "app", "Sales App", "tenant", "sp-1")
        found, _ = look(bench, Sought("sales", (who,), (Mark(ENTRA.id, ENTRA),)))
        assert set(found) == {f"secret AZURE_CLIENT_SECRET of {SHOP}"}

    def test_an_id_beside_a_secret_is_told_and_proves_no_more(self, bench: Bench) -> None:
        plant(bench)
        secret(shop(bench).secrets[PROD], "AWS_SECRET_ACCESS_KEY")
        one = look(bench)[0][f"secret AWS_SECRET_ACCESS_KEY of environment production of {SHOP}"]
        assert one.basis == "name"
        assert f"beside it variable AWS_ACCESS_KEY_ID holds {KEY}" in one.why
        assert "GitHub shows no value of a secret" in one.why
        assert "beside it" not in look(bench)[0][f"secret AWS_ACCESS_KEY_ID of Dependabot of {SHOP}"].why

    def test_marks_of_an_app_are_its_client_id(self, bench: Bench) -> None:
        who = bench.resolve(APP)
        [mark] = bench.provider.marks(who, ())
        assert (mark.text, mark.of, mark.kind) == (who.facts["client_id"], who.ref, "")
        assert list(bench.provider.marks(bench.resolve("github:user/payments-machine"), ())) == []


class TestProposed:
    def test_each_part_goes_where_its_name_says(self, bench: Bench) -> None:
        plant(bench)
        secret(shop(bench).secrets["actions"], "AWS_ACCESS_KEY_ID")
        found, _ = look(bench)
        to = {what: [each.to for each in one.deliver] for what, one in found.items() if one.deliver}
        assert to == {
            f"secret PAYMENTS_BOT_KEY of {SHOP}": [f"github-actions:{SHOP}/PAYMENTS_BOT_KEY"],
            f"secret AWS_SECRET_ACCESS_KEY of {SHOP}": [f"github-actions:{SHOP}/AWS_SECRET_ACCESS_KEY"],
            f"secret AWS_ACCESS_KEY_ID of {SHOP}": [f"github-actions:{SHOP}/AWS_ACCESS_KEY_ID#AccessKeyId"],
            f"secret AWS_ACCESS_KEY_ID of Dependabot of {SHOP}": [
                f"github-actions:dependabot/{SHOP}/AWS_ACCESS_KEY_ID#AccessKeyId"
            ],
            f"secret PAYMENTS_BOT of environment production of {SHOP}": [
                f"github-actions:{SHOP}/env/production/PAYMENTS_BOT"
            ],
            f"secret PAYMENTS_BOT of organisation {ORG}": [f"github-actions:org/{ORG}/PAYMENTS_BOT"],
            f"secret MAPPED of organisation {ORG}": [MAPPED.to],
        }
        for addresses in to.values():
            assert parse_address(addresses[0]) is not None

    def test_where_several_kinds_could_be_meant_nothing_is_proposed(self, bench: Bench) -> None:
        plant(bench)
        more = msgspec.structs.replace(MARK, kind="aws:other")
        found, _ = look(bench, msgspec.structs.replace(SOUGHT, marks=(MARK, more)))
        one = found[f"secret AWS_SECRET_ACCESS_KEY of {SHOP}"]
        assert one.deliver == ()
        assert "AWS_SECRET_ACCESS_KEY" in one.by_hand

    def test_a_variable_is_written_by_hand(self, bench: Bench) -> None:
        plant(bench)
        one = look(bench)[0][f"variable SETTINGS of {SHOP}"]
        assert one.deliver == ()
        assert "Write the new id into it: SETTINGS" in one.by_hand


class TestUnseen:
    @pytest.mark.parametrize(
        ("path", "hidden", "kind", "needs"),
        [
            (secrets.ACTIONS, ["PAYMENTS_BOT_KEY of", "AWS_SECRET_ACCESS_KEY"], "github:secret", "secrets:read"),
            (variables.ACTIONS, ["SETTINGS"], "github:variable", "actions_variables:read"),
            (secrets.DEPENDABOT, ["Dependabot"], "github:secret", "dependabot_secrets:read"),
            (secrets.ENVIRONMENT, ["secret PAYMENTS_BOT of environment"], "github:secret", "environments:read"),
            (variables.ENVIRONMENT, ["variable AWS_ACCESS_KEY_ID", "REGION"], "github:variable", "environments:read"),
            (ENVIRONMENTS, ["environment production"], "github:secret", "actions:read"),
            (secrets.ORG, ["secret PAYMENTS_BOT of org", "MAPPED"], "github:secret", "organization_secrets:read"),
            (variables.ORG, ["KEY_ID of org"], "github:variable", "organization_actions_variables:read"),
        ],
    )
    def test_each_listing_denied_is_a_blind_spot_and_hides_no_other(
        self, bench: Bench, path: str, hidden: list[str], kind: str, needs: str
    ) -> None:
        plant(bench)
        bench.sandbox.fault(f"GET {path}", "denied", times=99)
        found, unseen = look(bench)
        assert set(found) == {what for what in ALL if not any(each in what for each in hidden)}
        assert [(each.kind, each.needs.replace("=", ":")) for each in unseen] == [(kind, needs)]
        assert "could not be listed in" in unseen[0].why
        assert needs in bench.provider.finds

    def test_one_repository_that_refuses_hides_no_other(self, bench: Bench) -> None:
        plant(bench)
        bench.sandbox.fault(f"GET {secrets.ACTIONS}", "denied", times=1)
        found, unseen = look(bench)
        assert len(unseen) == 1
        assert "could not be listed in 1 of 2 places" in unseen[0].why
        assert f"variable SETTINGS of {SHOP}" in found

    def test_which_repositories_read_it_could_not_be_seen(self, bench: Bench) -> None:
        plant(bench)
        bench.sandbox.fault(f"GET {secrets.ORG}/<name>/repositories", "denied", times=9)
        found, unseen = look(bench)
        assert set(found) == set(ALL)
        assert [each.kind for each in unseen] == ["github:secret"]

    def test_repositories_that_may_not_be_listed_are_a_refusal(self, bench: Bench) -> None:
        bench.sandbox.fault("GET /orgs/<org>/repos", "denied", times=9)
        with pytest.raises(Denied):
            look(bench)

    def test_with_exactly_what_it_declares_it_sees_all(self, bench: Bench) -> None:
        plant(bench)
        bench.sandbox.allow_only(bench.provider.finds)
        found, unseen = look(bench)
        assert set(found) == set(ALL)
        assert [each for each in unseen if "this operator is not shown" not in each.why] == []

    def test_it_says_what_it_does_not_look_at(self, bench: Bench) -> None:
        said = [each for each in bench.provider.consumers(bench.conn, SOUGHT) if isinstance(each, BlindSpot)]
        assert [(each.counts, "workflow files" in each.why) for each in said] == [(False, True)]


class TestBudget:
    @pytest.mark.parametrize("size", [1, 1000])
    def test_any_size_of_page_finds_the_same(self, bench: Bench, size: int) -> None:
        plant(bench)
        bench.sandbox.page_size(size)
        assert set(look(bench)[0]) == set(ALL)

    def test_four_requests_for_a_repository(self, bench: Bench) -> None:
        plant(bench)
        before = len(bench.sandbox.calls())
        look(bench, SOUGHT)
        repositories = len([each for each in bench.hub.repositories.values() if each.owner == ORG])
        environments, of_org, readers, counted = 1, 3, 1, 1
        expected = 4 * repositories + 2 * environments + of_org + readers + counted
        assert len(bench.sandbox.calls()) - before == expected

    def test_beyond_so_many_those_pushed_to_last_are_looked_at_and_it_says_so(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plant(bench)
        monkeypatch.setattr(shelves, "MOST", 1)
        for name, days in (("old", 9), ("archive", 0)):
            made = seed.new_repository(bench.hub, f"{ORG}/{name}", START - timedelta(days=100))
            made.pushed, made.archived = START - timedelta(days=days), name == "archive"
            secret(made.secrets.setdefault("actions", {}), "PAYMENTS_BOT_KEY")
        shop(bench).pushed = START - timedelta(days=1)
        found, unseen = look(bench)
        assert set(found) == set(ALL)
        assert ["3 of 4 repositories, pushed to longest ago, were not looked at" in each.why for each in unseen] == [
            True
        ]

    def test_beyond_so_many_environments_it_says_so(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        plant(bench)
        monkeypatch.setattr(shelves, "MOST_ENVIRONMENTS", 0)
        found, unseen = look(bench)
        assert not any("environment" in what for what in found)
        assert ["of 1 environments were not looked at" in each.why for each in unseen] == [True]
