"""Who uses a credential in Google Cloud: secrets, what runs, and keys whose use is told; and nothing else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from nhi_revoke.model.consumer import Consumer, Mark, Sought
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Delivery, Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.sandbox import scene_above as above
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.compute import RunService
from nhi_revoke_gcp.sandbox.state import USER_MANAGED
from nhi_revoke_gcp.store.address import parse_address

from .conftest import BOT, START, Bench

CANARY = "canary-value-of-a-variable"
KEY = "gcp:key"
LISTS = ("compute.instances.list", "run.services.list", "run.jobs.list", "run.workerpools.list")


def sought(bench: Bench, *delivered: str) -> Sought:
    """payments-bot, as the engine looks for it."""
    who, keys = bench.resolve(BOT), list(bench.accesses(BOT, KEY).values())
    marks = tuple(bench.provider.marks(who, keys))
    return Sought("payments-bot", (who,), marks, tuple(Delivery(KEY, each) for each in delivered))


def runs(
    bench: Bench, name: str, sort: str = "services", email: str = "other@x.iam.gserviceaccount.com", **env: Any
) -> RunService:
    """`env`: a text, or what a variable refers to."""
    made = RunService(sort, name, seed.PROJECT, above.REGION, email, START)
    made.variables = [
        {"name": key, **({"value": value} if isinstance(value, str) else {"valueFrom": {"secretKeyRef": value}})}
        for key, value in {**env, "PASSWORD": CANARY}.items()
    ]
    bench.cloud.workloads.runs.append(made)
    return made


def plant(bench: Bench) -> None:
    """One of everything, and beside each something of somebody else; what is attached to the account is seeded."""
    held, email = bench.cloud.secret_manager, bench.account.email
    held.secrets.clear()
    held.new_secret(seed.PROJECT, "annotated", START).annotations["account"] = email
    held.new_secret(seed.PROJECT, "others", START).annotations["account"] = f"a-{email}"
    held.new_secret(seed.PARTNER, "payments-bot-key", START)
    held.new_secret(seed.PARTNER, "bot", START)
    held.secrets[seed.PROJECT, "annotated"].add(CANARY.encode(), START)
    bench.cloud.used.clear()
    key = next(each for each in bench.account.listed() if each.type == USER_MANAGED)
    bench.cloud.used[key.id] = START
    runs(bench, "by-id", KEY_FILE=f'{{"client_email": "{email}"}}')
    runs(bench, "by-reference", "jobs", KEY={"name": "annotated", "key": "latest"})
    runs(bench, "by-name", KEY={"name": "alias", "key": "3"}).annotations["run.googleapis.com/secrets"] = (
        f"x:projects/1/secrets/y, alias:projects/{seed.NUMBERS[seed.PARTNER]}/secrets/payments-bot-key"
    )
    runs(bench, "by-volume", "workerpools").volumes = [{"name": "v", "secret": {"secretName": "annotated"}}]
    runs(bench, "others", KEY={"name": "others", "key": "latest"}, WHO=f"x{email}")


def ran(sort: str, name: str) -> str:
    return f"{sort} {name} in {seed.PROJECT}/{above.REGION}"


RUNS_AS = {
    f"virtual machine payments-worker-1 in {seed.PROJECT}/{above.ZONE}": "reference",
    f"virtual machine payments-old in {seed.PROJECT}/{above.ZONE}": "reference",
    ran("Cloud Run service", "payments-api"): "reference",
    ran("Cloud Run job", "payments-nightly"): "reference",
    ran("Cloud Run worker pool", "payments-queue"): "reference",
}
ANNOTATED = f"secret annotated of project {seed.PROJECT}"
ALL = {
    **RUNS_AS,
    ANNOTATED: "id",
    f"secret payments-bot-key of project {seed.PARTNER}": "name",
    ran("Cloud Run service", "by-id"): "id",
    ran("Cloud Run job", "by-reference"): "reference",
    ran("Cloud Run service", "by-name"): "name",
    ran("Cloud Run worker pool", "by-volume"): "reference",
}


def asked(bench: Bench, what: Sought) -> list[Consumer | BlindSpot]:
    """As the engine asks: the operator's own connection, and that of the account's project."""
    own = GcpConnection("", bench.settings, bench.io, {})
    return [each for conn in (own, bench.conn) for each in bench.provider.consumers(conn, what)]


def look(bench: Bench, what: Sought | None = None) -> tuple[dict[str, Consumer], list[BlindSpot]]:
    """By what each is called, without keys' last uses. Nothing changes anything, and no value comes out."""
    found = asked(bench, what or sought(bench))
    assert bench.writes() == []
    assert CANARY not in msgspec.json.encode(found).decode()
    assert not any(call.name.endswith(":access") for call in bench.sandbox.calls())
    rows = [each for each in found if isinstance(each, Consumer) and each.basis != "use"]
    assert len({each.what for each in rows}) == len({(each.what, each.scope, each.basis, each.why) for each in rows})
    spots = [each for each in found if isinstance(each, BlindSpot) and each.counts]
    return {each.what: each for each in rows}, spots


class TestMarks:
    def test_an_account_is_told_by_its_address_its_number_and_its_keys(self, bench: Bench) -> None:
        who, keys = bench.resolve(BOT), list(bench.accesses(BOT, KEY).values())
        found = {mark.text: mark for mark in bench.provider.marks(who, keys)}
        assert set(found) == {who.name, who.unique_id, *(key.id.rpartition("/")[2] for key in keys)}
        assert {mark.of for mark in found.values()} == {who.ref}
        assert (found[who.name].kind, found[who.name].field) == (KEY, "client_email")
        assert {found[key.id.rpartition("/")[2]].access for key in keys} == {key.id for key in keys}
        assert not any(secret in text for text in found for secret in bench.sandbox.canaries())

    def test_where_it_has_no_key_the_address_tells_no_kind(self, bench: Bench) -> None:
        assert {mark.kind for mark in bench.provider.marks(bench.resolve(BOT), ())} == {""}

    def test_an_hmac_key_is_told_by_its_id(self, bench: Bench) -> None:
        found = list(bench.accesses(BOT, "gcp:hmac-key").values())
        assert found
        told = [m for m in bench.provider.marks(bench.resolve(BOT), found) if m.kind == "gcp:hmac-key"]
        assert [m.text for m in told] == [each.id.rpartition("/")[2] for each in found]


class TestFound:
    def test_everything_that_uses_it_and_nothing_else(self, bench: Bench) -> None:
        plant(bench)
        found, unseen = look(bench)
        assert {what: each.basis for what, each in found.items()} == ALL
        assert unseen == []
        who = bench.resolve(BOT).ref
        assert {each.of for each in found.values() if each.basis != "name"} == {(who,)}
        assert {each.of for each in found.values() if each.basis == "name"} == {()}

    def test_the_day_of_a_keys_last_use(self, bench: Bench) -> None:
        plant(bench)
        key = next(each for each in bench.account.listed() if each.type == USER_MANAGED)
        [one] = [c for c in asked(bench, sought(bench)) if isinstance(c, Consumer) and c.basis == "use"]
        assert one.what == f"whatever holds key {key.id}"
        assert "last used on 2026-11-28: the count is by days, late" in one.why

    def test_what_refers_to_a_secret_that_the_map_delivers_to(self, bench: Bench) -> None:
        plant(bench)
        runs(bench, "unlisted", KEY={"name": "gone", "key": "latest"})
        to = (f"gcp-secretmanager:{seed.NUMBER}/others", f"gcp-secretmanager:{seed.PROJECT}/gone#-")
        found, _ = look(bench, sought(bench, *to))
        mapped = {
            f"secret others of project {seed.PROJECT}",
            ran("Cloud Run service", "others"),
            ran("Cloud Run service", "unlisted"),
        }
        assert set(found) == {*ALL, *mapped}
        assert {found[each].basis for each in mapped} == {"reference"}

    def test_what_names_no_account_runs_as_the_default_one(self, bench: Bench) -> None:
        email = f"{above.NUMBER}-compute@developer.gserviceaccount.com"
        bench.cloud.new_account("compute", seed.PROJECT, START, email=email)
        who = bench.resolve(f"gcp:sa/projects/{seed.PROJECT}/serviceAccounts/{email}")
        found, _ = look(bench, Sought("unlike-anything", (who,), ()))
        assert {what.split(" in ")[0].rpartition(" ")[2] for what in found} == {"web-1", "front", "reports"}

    def test_another_providers_id_is_found_by_its_mark(self, bench: Bench) -> None:
        plant(bench)
        other = Principal(PrincipalRef("aws", "user", "ci"), "user", "ci-user", "1", "AIDA1")
        runs(bench, "aws", AWS_ACCESS_KEY_ID="AKIAEXAMPLEKEY000001")
        found, _ = look(bench, Sought("unlike-anything", (other,), (Mark("AKIAEXAMPLEKEY000001", other.ref),)))
        assert set(found) == {ran("Cloud Run service", "aws")}


class TestProposed:
    def test_a_secret_takes_the_replacement(self, bench: Bench) -> None:
        plant(bench)
        to = {what: one.deliver for what, one in look(bench)[0].items() if one.deliver}
        assert to == {
            ANNOTATED: (Delivery(KEY, f"gcp-secretmanager:{seed.PROJECT}/annotated"),),
            f"secret payments-bot-key of project {seed.PARTNER}": (
                Delivery(KEY, f"gcp-secretmanager:{seed.PARTNER}/payments-bot-key"),
            ),
        }
        assert all(parse_address(each.to).name for places in to.values() for each in places)

    def test_where_nobody_can_tell_the_kind_nothing_is_proposed(self, bench: Bench) -> None:
        plant(bench)
        what = sought(bench)
        more = Mark("x-x-x-x", what.principals[0].ref, kind="gcp:hmac-key")
        found, _ = look(bench, msgspec.structs.replace(what, marks=(*what.marks, more)))
        assert [what for what, one in found.items() if one.deliver] == [ANNOTATED], "its own mark tells the kind"
        named = found[f"secret payments-bot-key of project {seed.PARTNER}"]
        assert "gcloud secrets versions add payments-bot-key" in named.by_hand

    def test_what_a_person_does(self, bench: Bench) -> None:
        plant(bench)
        found, _ = look(bench)
        assert "its variable KEY_FILE" in found[ran("Cloud Run service", "by-id")].by_hand
        assert "its variable KEY." in found[ran("Cloud Run service", "by-name")].by_hand
        job = found[ran("Cloud Run job", "by-reference")].by_hand
        assert job.startswith("Its next execution reads what is latest then")
        assert "gcloud run worker-pools update by-volume" in found[ran("Cloud Run worker pool", "by-volume")].by_hand
        assert {found[each].by_hand for each in RUNS_AS} == {""}


class TestUnseen:
    @pytest.mark.parametrize(
        ("needs", "hidden"),
        [
            ("secretmanager.secrets.list", {"secret ", "by-reference", "by-name", "by-volume"}),
            ("compute.instances.list", {"virtual machine"}),
            ("run.services.list", {"Cloud Run service"}),
            ("run.jobs.list", {"Cloud Run job"}),
            ("run.workerpools.list", {"Cloud Run worker pool"}),
            ("policyanalyzer.serviceAccountKeyLastAuthenticationActivities.query", {"no consumer"}),
        ],
    )
    def test_each_listing_denied_is_a_blind_spot_and_hides_no_other(
        self, bench: Bench, needs: str, hidden: set[str]
    ) -> None:
        plant(bench)
        what = sought(bench)
        bench.sandbox.allow_only([each for each in bench.provider.finds if each != needs])
        found, unseen = look(bench, what)
        assert set(found) == {each for each in ALL if not any(part in each for part in hidden)}
        assert {each.needs for each in unseen} == {needs}
        assert needs in bench.provider.finds

    def test_with_exactly_what_it_declares_it_sees_all(self, bench: Bench) -> None:
        plant(bench)
        what = sought(bench)
        bench.sandbox.allow_only(bench.provider.finds)
        found, unseen = look(bench, what)
        assert set(found) == set(ALL)
        assert unseen == []

    @pytest.mark.parametrize(("api", "spots"), [("secretmanager", 1), ("run", 3), ("compute", 1)])
    def test_an_api_that_is_off_is_unknown_and_never_none(self, bench: Bench, api: str, spots: int) -> None:
        plant(bench)
        bench.cloud.off.add(api)
        _, unseen = look(bench)
        assert len(unseen) == 2 * spots
        assert all("SERVICE_DISABLED" in each.why for each in unseen)

    def test_where_google_could_not_look_is_told(self, bench: Bench) -> None:
        plant(bench)
        bench.cloud.workloads.unreachable = {"jobs": ("us-east1",)}
        assert any("could not look in us-east1" in each.why for each in look(bench)[1])

    def test_projects_that_may_not_be_searched_are_told_and_its_own_is_looked_at(self, bench: Bench) -> None:
        plant(bench)
        bench.sandbox.fault("GET /v3/projects:search", "denied", times=9)
        found, unseen = look(bench)
        assert set(found) == {each for each in ALL if seed.PARTNER not in each and "by-name" not in each}
        assert ["other projects" in each.why for each in unseen] == [True]

    @pytest.mark.parametrize("size", [1, 1000])
    def test_any_size_of_page_finds_the_same(self, bench: Bench, size: int) -> None:
        plant(bench)
        bench.sandbox.page_size(size)
        assert set(look(bench)[0]) == set(ALL)
