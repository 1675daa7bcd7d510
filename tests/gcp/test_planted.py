"""What the account made for others, as Admin Activity logs tell it (facts gcp.md 7, 5 and 19)."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.found import Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_gcp import planted as planted_module
from nhi_revoke_gcp.audit_entry import LONG
from nhi_revoke_gcp.planting import PLANTS
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.audit import bound, created, signed_by
from nhi_revoke_gcp.sandbox.plant_planted import LATER, NAME
from nhi_revoke_gcp.sandbox.scene import first_key

from .conftest import BOT, START, Bench, world
from .trail import A_DAY, acted, blind, other, planted, seen, token_of

PROJECT = f"projects/{seed.PROJECT}"
RUNNER = f"serviceAccount:{seed.RUNNER}@{seed.PARTNER}.iam.gserviceaccount.com"


def why(lead: Lead) -> str:
    return re.sub(r" at 2026.*", "", lead.why)


def policy(bench: Bench, *deltas: tuple[str, str, str], resource: str = PROJECT, **more: Any) -> None:
    told = [{"action": action, "role": role, "member": member} for action, role, member in deltas]
    service = more.pop("service", "cloudresourcemanager.googleapis.com")
    acted(bench, more.pop("method", "SetIamPolicy"), service=service, resource=resource, deltas=told, **more)


# -- accounts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 1000])
def test_an_account_with_all_that_was_done_to_it_is_one_lead_with_one_command(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    victim = other(bench, "backdoor")
    who = signed_by(bench.cloud, token_of(bench, bench.account))
    made = START - timedelta(minutes=30)
    created(bench.cloud, made, victim, who)
    key = {"name": f"{victim.resource}/keys/0123abcd"}
    acted(bench, "CreateServiceAccountKey", victim, minutes=29, response=key)
    acted(bench, "UploadServiceAccountKey", victim, minutes=28)
    policy(bench, ("ADD", "roles/editor", f"serviceAccount:{victim.email}"), minutes=27)
    acted(bench, "SetIAMPolicy", victim, minutes=26, deltas=[{"action": "ADD", "role": seed.CREATOR, "member": RUNNER}])
    [lead] = planted(bench)
    assert str(lead.to) == f"gcp:sa/{victim.email}"
    assert lead.why == (
        f"{seed.EMAIL} created this account; made a key of it (0123abcd); uploaded a key for it; "
        f"gave it a role (roles/editor in {PROJECT}); let somebody in by its policy ({RUNNER} as {seed.CREATOR}) "
        "at 2026-11-28T11:30:00Z, the last at 2026-11-28T11:34:00Z"
    )
    assert (lead.how, lead.at, lead.of) == ("planted", made, bench.resolve(BOT).ref)
    assert lead.next == f"nhi-revoke revoke gcp:sa/{victim.email} --since 2026-11-28T11:30:00Z"
    for secret in bench.cloud.secrets:
        assert secret not in repr(lead)


def test_what_is_gone_is_said_to_be(bench: Bench) -> None:
    victim = other(bench, "gone")
    acted(bench, "CreateServiceAccountKey", victim)
    del bench.cloud.accounts[victim.email]
    [lead] = planted(bench)
    assert "it is gone by now" in lead.why
    assert lead.next == f"nhi-revoke list gcp:sa/{victim.email}"


def test_whether_it_is_there_may_stay_open_and_hides_nothing(bench: Bench) -> None:
    acted(bench, "CreateServiceAccountKey", other(bench))
    view = bench.view(BOT)
    bench.sandbox.fault("iam.GetServiceAccount", "denied", 9)
    found = list(bench.kinds["gcp:access-token"].observe(bench.conn, view.who, view.accesses, START - A_DAY, bench.io))
    [lead] = [f for f in found if isinstance(f, Lead)]
    assert "gone" not in lead.why
    assert lead.next.startswith("nhi-revoke revoke")


def test_only_some_are_looked_for_and_all_are_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planted_module, "MOST_LOOKED_AT", 2)
    for number in range(4):
        acted(bench, "CreateServiceAccountKey", other(bench, f"other-{number}"))
    before = len(bench.sandbox.calls())
    assert len(planted(bench)) == 4
    asked = [c for c in bench.sandbox.calls()[before:] if c.name == "iam.GetServiceAccount" and "other-" in c.target]
    assert len(asked) == 2


@pytest.mark.parametrize("method", ["DeleteServiceAccountKey", "DisableServiceAccount"])
def test_what_only_took_away_is_told_and_nothing_is_to_be_revoked(bench: Bench, method: str) -> None:
    acted(bench, method, other(bench), request={"name": "projects/p/serviceAccounts/x/keys/0123abcd"})
    [lead] = planted(bench)
    assert ("(0123abcd)" in lead.why) == ("Key" in method)
    assert lead.next == f"nhi-revoke list gcp:sa/{other(bench).email}"


# -- the account itself ------------------------------------------------------------------------------------------------


def test_what_it_did_to_itself_is_on_its_own_lists_unless_no_list_shows_it(bench: Bench) -> None:
    mine = [{"action": "ADD", "role": role, "member": RUNNER} for role in (seed.CREATOR, f"{PROJECT}/roles/own")]
    acted(bench, "CreateServiceAccountKey", bench.account)
    acted(bench, "SetIAMPolicy", bench.account, deltas=mine)
    acted(bench, "EnableServiceAccount", bench.account)
    assert planted(bench) == []
    acted(bench, "DeleteServiceAccountKey", bench.account, request={"name": "projects/p/serviceAccounts/x/keys/0123"})
    [lead] = planted(bench)
    assert lead.to == bench.resolve(BOT).ref
    assert why(lead) == f"{seed.EMAIL} deleted a key of it (0123)"
    assert "Logs Explorer" in lead.why


def test_a_role_that_it_gave_itself_is_told_with_the_command_that_takes_it_away(bench: Bench) -> None:
    """No list of this version shows roles in a project."""
    policy(bench, ("ADD", "roles/owner", f"serviceAccount:{seed.EMAIL}"))
    [lead] = planted(bench)
    assert lead.to == bench.resolve(BOT).ref
    assert lead.next == (
        f"gcloud projects remove-iam-policy-binding {seed.PROJECT} --member=serviceAccount:{seed.EMAIL} "
        "--role=roles/owner"
    )


# -- policies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "command"),
    [
        (PROJECT, f"gcloud projects remove-iam-policy-binding {seed.PROJECT}"),
        ("folders/42", "gcloud resource-manager folders remove-iam-policy-binding 42"),
        ("organizations/7", "gcloud organizations remove-iam-policy-binding 7"),
    ],
)
def test_a_role_for_somebody_who_is_no_account_names_the_policy_and_the_command(
    bench: Bench, resource: str, command: str
) -> None:
    policy(bench, ("ADD", "roles/editor", "user:mallory@example.com"), resource=resource)
    [lead] = planted(bench)
    assert str(lead.to) == f"gcp:policy/{resource}"
    assert why(lead) == f"{seed.EMAIL} gave a role in this policy (roles/editor to user:mallory@example.com)"
    assert lead.next == f"{command} --member=user:mallory@example.com --role=roles/editor"


def test_each_member_has_a_command_of_its_own_and_a_shell_takes_it_as_it_is(bench: Bench) -> None:
    evil = "user:a b;rm@example.com"
    policy(
        bench, ("ADD", "roles/editor", "allUsers"), ("ADD", "roles/owner", evil), ("REMOVE", "roles/viewer", "allUsers")
    )
    found = {why(lead): lead for lead in planted(bench)}
    assert len(found) == 3
    assert any("'--member=user:a b;rm@example.com'" in lead.next for lead in found.values())
    [taken] = [lead for text, lead in found.items() if "took a role away" in text]
    assert taken.next == ""


def test_the_policy_of_anything_else_is_told_without_a_command(bench: Bench) -> None:
    policy(
        bench, ("ADD", "roles/storage.admin", "allUsers"), resource="projects/_/buckets/ledger",
        service="storage.googleapis.com", method="storage.setIamPermissions",
    )  # fmt: skip
    [lead] = planted(bench)
    assert str(lead.to) == "gcp:policy/projects/_/buckets/ledger"
    assert lead.next == ""
    assert "Logs Explorer" in lead.why


def test_a_policy_that_does_not_say_what_changed_is_told_all_the_same(bench: Bench) -> None:
    policy(bench)
    [lead] = planted(bench)
    assert why(lead) == f"{seed.EMAIL} changed the policy of this"


# -- other things ------------------------------------------------------------------------------------------------------


POOL = f"{PROJECT}/locations/global/workloadIdentityPools/evil"


@pytest.mark.parametrize(
    ("method", "how", "to", "command"),
    [
        (
            "google.iam.admin.v1.CreateRole", {"response": {"name": f"{PROJECT}/roles/helper"}},
            f"gcp:role/{PROJECT}/roles/helper", f"gcloud iam roles describe helper --project={seed.PROJECT}",
        ),
        (
            "google.iam.admin.v1.UpdateRole", {"response": {"name": "organizations/7/roles/helper"}},
            "gcp:role/organizations/7/roles/helper", "gcloud iam roles describe helper --organization=7",
        ),
        (
            "google.iam.v1.WorkloadIdentityPools.CreateWorkloadIdentityPoolProvider",
            {"resource": f"{POOL}/providers/forge"}, f"gcp:pool/{POOL}/providers/forge",
            f"gcloud iam workload-identity-pools describe evil --location=global --project={seed.PROJECT}",
        ),
        (
            "google.api.apikeys.v2.ApiKeys.CreateKey",
            {"service": "apikeys.googleapis.com", "response": {"name": f"{PROJECT}/locations/global/keys/k1",
             "serviceAccountEmail": "x@y.iam.gserviceaccount.com"}},
            f"gcp:api-key/{PROJECT}/locations/global/keys/k1",
            f"gcloud services api-keys delete {PROJECT}/locations/global/keys/k1",
        ),
    ],
)  # fmt: skip
def test_other_things_are_told_each_with_its_own_command(
    bench: Bench, method: str, how: dict[str, Any], to: str, command: str
) -> None:
    acted(bench, method, **how)
    [lead] = planted(bench)
    assert (str(lead.to), lead.next) == (to, command)
    assert "By hand" not in lead.why


def test_a_long_running_operation_is_told_once_by_its_end(bench: Bench) -> None:
    """Google Cloud docs: api-keys audit logging. Its begin does not name the key yet."""
    key = {"name": f"{PROJECT}/locations/global/keys/k1"}
    how: dict[str, Any] = {"method": "google.api.apikeys.v2.ApiKeys.CreateKey", "service": "apikeys.googleapis.com"}
    method = how.pop("method")
    acted(bench, method, **how, minutes=9, operation={"id": "o1", "first": True, "producer": "apikeys.googleapis.com"})
    [begun] = planted(bench)
    assert str(begun.to) == f"gcp:api-key/{PROJECT}", "as long as its end is not in the log"
    acted(bench, method, **how, minutes=8, operation={"id": "o1", "last": True}, response=key)
    [lead] = planted(bench)
    assert str(lead.to) == f"gcp:api-key/{key['name']}"


def test_each_method_that_is_known_is_told_in_words(bench: Bench) -> None:
    for number, ((service, name), plant) in enumerate(PLANTS.items()):
        if plant.kind == "sa":
            acted(bench, name, other(bench), minutes=60 - number)
        else:
            acted(bench, f"x.{name}", minutes=60 - number, service=f"{service}.googleapis.com")
    told = " ".join(lead.why for lead in planted(bench))
    for plant in PLANTS.values():
        assert plant.says in told
    assert 'did "' not in told


def test_a_method_that_is_not_known_is_told_by_its_name(bench: Bench) -> None:
    for number in range(7):
        acted(
            bench, "google.pubsub.v1.Publisher.CreateTopic", service="pubsub.googleapis.com",
            resource=f"{PROJECT}/topics/t{number}", minutes=60 - number,
        )  # fmt: skip
    acted(bench, "PatchServiceAccount", other(bench))
    by_name = {why(lead): lead for lead in planted(bench)}
    topics = ", ".join(f"{PROJECT}/topics/t{number}" for number in range(5))
    known = f'{seed.EMAIL} did "google.pubsub.v1.Publisher.CreateTopic" ({topics} and 2 more)'
    assert set(by_name) == {
        known, f'{seed.EMAIL} did "google.iam.admin.v1.PatchServiceAccount" ({other(bench).email})',
    }  # fmt: skip
    assert by_name[known].next == ""
    assert "Logs Explorer" in by_name[known].why


def test_what_was_done_as_an_account_that_it_became_is_its_doing(bench: Bench) -> None:
    """Facts gcp.md 7, 19."""
    victim, made = other(bench, "victim"), other(bench, "made")
    by = token_of(bench, victim, chain=(bench.scene.member,))
    acted(bench, "CreateServiceAccountKey", made, by=by)
    [lead] = planted(bench)
    assert str(lead.to) == f"gcp:sa/{made.email}"
    assert f"done as {victim.email}, which was become through it" in lead.why


def test_a_key_that_it_made_for_an_account_that_it_became_is_planted_there(bench: Bench) -> None:
    victim = other(bench, "victim")
    acted(bench, "CreateServiceAccountKey", victim, by=token_of(bench, victim, chain=(bench.scene.member,)))
    [lead] = planted(bench)
    assert str(lead.to) == f"gcp:sa/{victim.email}"
    assert lead.next.startswith(f"nhi-revoke revoke gcp:sa/{victim.email}")


def test_what_others_did_and_what_failed_is_no_plant(bench: Bench) -> None:
    acted(bench, "CreateServiceAccountKey", other(bench), by=token_of(bench, bench.scene.runner))
    acted(bench, "CreateServiceAccountKey", bench.account, by=token_of(bench, bench.scene.runner))
    acted(bench, "CreateServiceAccountKey", other(bench), code=7)
    assert planted(bench) == []


def test_since_is_obeyed(bench: Bench) -> None:
    acted(bench, "CreateServiceAccountKey", other(bench), minutes=60 * 24 * 10)
    assert planted(bench) == []
    assert len(planted(bench, 11 * A_DAY)) == 1


def test_a_younger_since_than_a_token_lives_hides_no_session_and_shows_no_older_act(bench: Bench) -> None:
    acted(bench, "CreateServiceAccountKey", other(bench), minutes=50)
    found = seen(bench, timedelta(minutes=10))
    assert [f for f in found if isinstance(f, Lead)] == []
    assert any("seen-" in getattr(f, "id", "") for f in found)


def test_a_name_that_somebody_chose_is_one_line_and_short(bench: Bench) -> None:
    acted(bench, "evil\nOUT\x1b[31m" + "c" * 999, resource="r" * 999, service="x.googleapis.com")
    [lead] = planted(bench)
    assert "\n" not in lead.why
    assert "\x1b" not in lead.why
    assert "c" * (LONG + 1) not in lead.why


def test_nothing_but_single_fields_of_an_entry_is_told(bench: Bench) -> None:
    canary = bench.cloud.new_token("x", START).value
    acted(
        bench, "CreateServiceAccountKey", other(bench), request={"name": "x", "secret": canary},
        response={"name": "projects/p/serviceAccounts/x/keys/0123", "privateKeyData": canary},
    )  # fmt: skip
    assert canary not in repr(seen(bench))


# -- in a run ----------------------------------------------------------------------------------------------------------


def test_what_the_intruder_planted_is_named_by_the_report_and_its_door_stays_open(tmp_path: Path) -> None:
    with world(tmp_path, deliver=False, planted=True) as whole:
        report = whole.run()
        [lead] = report.planted
        assert lead.to.id.startswith(f"{NAME}@")
        assert first_key(whole.gcp.cloud.accounts[lead.to.id]).id in lead.why
        assert "planted-telemetry-relay" in whole.open_doors()
        assert report.exit_code == 8
        assert mispredicted(whole, report) == []
        whole.run(whole.plan(name=str(lead.to)))
        assert "planted-telemetry-relay" not in whole.open_doors()


def test_what_was_planted_while_the_run_worked_is_found_by_verify(tmp_path: Path) -> None:
    with world(tmp_path, deliver=False, intent=Intent(rotate="now"), planted=True) as whole:
        plan = whole.plan()
        whole.sandbox.meddle("plant-account")
        report = whole.run(plan)
        whole.clock.advance(600)
        done = whole.verify(report.run)
        assert {lead.to.id.partition("@")[0] for lead in done.planted} == {NAME, LATER}
        assert mispredicted(whole, done) == []


def test_a_change_by_another_project_is_not_this_accounts(bench: Bench) -> None:
    bound(bench.cloud, START, seed.PROJECT, {"principalEmail": "lead@example.com"}, "roles/editor", RUNNER)
    assert planted(bench) == []
    assert blind(seen(bench), "gcp:planted")
