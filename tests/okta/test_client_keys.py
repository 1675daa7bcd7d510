"""Public keys of an app: listed, ended, replaced by a pair that is made here; keys that are served outside Okta."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import httpx
import jwt
import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.identity import Identity, Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.report import Report
from nhi_revoke.model.step import Manual, OpenDoor, Phase, Step
from nhi_revoke.provider.fault import Denied, NoAnswer
from nhi_revoke.provider.kind import View
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_okta.access.access_token import AccessTokens
from nhi_revoke_okta.access.client_key import ClientKeys
from nhi_revoke_okta.access.client_key_mint import SHELF, new_pair
from nhi_revoke_okta.access.client_secret import ClientSecrets
from nhi_revoke_okta.private_key import read_key
from nhi_revoke_okta.provider import OktaProvider
from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.plant_credentials import KID
from nhi_revoke_okta.sandbox.state import App, ClientKey

from .conftest import APP, START, Bench, Whole

KIND = "okta:client-key"
CREATE = "POST /api/v1/apps/<app>/credentials/jwks"
DEACTIVATE = f"{CREATE}/<key>/lifecycle/deactivate"
REPLACE: dict[str, Any] = {"replace": (KIND,)}
WHO = Principal(PrincipalRef("okta", "app", "0oa1"), "app", "Payments Bot", "org", "0oa1", "okta:app/Payments Bot")


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """These tests are about one kind."""
    bench.kinds = {KIND: ClientKeys()}
    return bench


def app_of(bench: Bench) -> App:
    return bench.sandbox.scene.app


def states(app: App) -> dict[str, str]:
    """By kid: what Okta shows."""
    return {k.kid: k.status.shown for k in app.keys.values() if k.status.shown != "GONE"}


def encryption_key(bench: Bench) -> ClientKey:
    with bench.org.lock:
        key, _ = seed.add_key(bench.org, app_of(bench), START, "enc-1")
        key.jwk = {"kty": "RSA", "n": "n", "e": "AQAB", "use": "enc", "kid": "enc-1"}
    return key


def by_name(bench: Bench, **intent: Any) -> dict[str, Step]:
    return {s.does.rpartition("/")[2]: s for s in bench.steps(APP, **intent)}


# -- listing and ending ------------------------------------------------------------------------------------------------


def test_they_are_listed_with_their_kid_and_no_key_material(bench: Bench) -> None:
    with bench.org.lock:
        seed.add_key(bench.org, app_of(bench), START, "another")
    found = bench.accesses(APP)
    assert {a.door: a.state for a in found.values()} == {KID: "live", "another": "live"}
    assert all(set(a.before) == {"status", "kid", "use", "kty"} for a in found.values())
    assert bench.writes() == []


def test_a_bare_list_is_read_like_a_wrapped_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts 1.1: Okta wraps what its own description has bare."""
    wrapped = bench.accesses(APP)
    ask, path = bench.conn.get, SHELF.path(app_of(bench).id)

    def unwrapped(where: str, needs: str, **query: Any) -> Any:
        body = ask(where, needs, **query)
        return body["jwks"]["keys"] if where == path else body

    monkeypatch.setattr(bench.conn, "get", unwrapped)
    assert bench.accesses(APP) == wrapped


def test_a_denied_listing_is_never_none(bench: Bench) -> None:
    bench.conn.named(PrincipalRef.parse(APP))
    bench.sandbox.allow_only([])
    with pytest.raises(Denied) as said:
        list(bench.kinds[KIND].collect(bench.conn, PrincipalRef.parse(APP), bench.io))
    assert said.value.needs == "okta.apps.read"


def test_a_key_is_deactivated_and_nothing_else_changes(bench: Bench) -> None:
    with bench.org.lock:
        seed.add_key(bench.org, app_of(bench), START, "another")
    [mine, _] = bench.steps(APP)
    assert mine.rearms == "always"
    assert bench.seen(mine) is None
    change = bench.do(mine)
    assert isinstance(change, Done)
    assert list(change.left["residuals"]) == [f"okta:access-token/{bench.conn.scope}/{app_of(bench).id}/*"]
    assert bench.seen(mine) == change.left
    assert states(app_of(bench)) == {KID: "INACTIVE", "another": "ACTIVE"}
    assert not bench.doors()["client-key"]
    assert bench.doors()["client-secret"]
    assert bench.writes() == [DEACTIVATE]
    assert isinstance(bench.do(mine), Done), "safe to repeat"
    assert bench.prove(mine).proof is Proof.RECORDED, "nobody here holds its private half"
    assert isinstance(bench.undo(mine), Done)
    assert states(app_of(bench)) == {KID: "ACTIVE", "another": "ACTIVE"}
    assert bench.doors()["client-key"]
    assert isinstance(bench.undo(mine), Already)


def test_delete_takes_an_inactive_one_alone(bench: Bench) -> None:
    """Facts 1.4, 4."""
    [step] = bench.steps(APP)
    finish = msgspec.structs.replace(step, id="finish", does=f"{KIND}/delete", phase=Phase.FINISH)
    assert isinstance(bench.do(finish), Failed)
    bench.do(step)
    assert isinstance(bench.do(finish), Done)
    assert bench.seen(finish) is not None
    assert isinstance(bench.do(finish), Already)
    assert isinstance(bench.undo(step), Failed), "it is gone"


def test_an_encryption_key_is_left_to_a_person(bench: Bench) -> None:
    """OpenAPI: only signing keys can be deactivated."""
    key = encryption_key(bench)
    access = bench.accesses(APP)[f"{KIND}/{app_of(bench).id}/{key.id}"]
    assert not access.opens
    [manual] = [d for d in bench.draft(APP) if isinstance(d, Manual)]
    assert manual.ends == (access.id,)
    [step] = bench.steps(APP)
    forced = msgspec.structs.replace(step, ends=(access.id,), before=access.before)
    assert isinstance(bench.doer(forced.does).check(bench.conn, forced), Impossible)
    assert bench.doer(step.does).check(bench.conn, step) is None


# -- keys that are served elsewhere ------------------------------------------------------------------------------------


def test_keys_behind_a_jwks_uri_are_open_and_by_hand(bench: Bench) -> None:
    """Facts 1.4, 19."""
    app = app_of(bench)
    app.keys.clear()
    app.jwks_uri = "https://user:hidden@keys.example.com/payments.json?token=hidden"
    [access] = bench.accesses(APP).values()
    assert access.state == "unknown"
    assert "https://keys.example.com/payments.json" in access.label
    assert "hidden" not in msgspec.json.encode(access).decode()
    drafts = bench.draft(APP, **REPLACE)
    assert not [d for d in drafts if isinstance(d, Step)]
    [door] = [d for d in drafts if isinstance(d, OpenDoor)]
    assert (door.access, door.next) == (access.id, "--brake on")
    says = " ".join(d.what for d in drafts if isinstance(d, Manual))
    assert "change the app's jwks_uri, or deactivate the app" in says
    assert "not replaced" in says
    assert [type(d) for d in bench.draft(APP, brake="on")] == [OpenDoor]
    assert bench.draft(APP, order="rollover") == []


# -- replacing, as a table ---------------------------------------------------------------------------------------------


def key(name: str, state: Any = "live", kid: str = "k", kty: str = "RSA", day: int = 1) -> Access:
    before = {"status": "ACTIVE" if state == "live" else "INACTIVE", "kid": kid and name, "use": "sig", "kty": kty}
    created = START.replace(month=1, day=day)
    return Access(f"{KIND}/0oa1/{name}", WHO.ref, KIND, "key", state, created=created, before=before)


def drafted(keys: Sequence[Access], blind: Sequence[BlindSpot] = (), **intent: Any) -> list[Any]:
    inventory = Inventory(Identity("bot", (WHO.ref,)), START, (WHO,), tuple(keys), blind=tuple(blind))
    return list(ClientKeys().draft(View(WHO, inventory), Intent(**{**REPLACE, **intent})))


def told(drafts: list[Any]) -> list[str]:
    """What is done to which, in order."""
    out = []
    for d in drafts:
        if isinstance(d, Manual):
            out.append("manual")
        elif isinstance(d, Step):
            out.append(" ".join([d.does.rpartition("/")[2], *(a.rpartition("/")[2] for a in d.ends)]))
    return out


FULL = [key(f"K{n}", "disabled", day=n % 28 + 1) for n in range(1, 50)]


@pytest.mark.parametrize(
    ("keys", "intent", "expected"),
    [
        ([], {}, []),
        ([key("A")], {}, ["deactivate A", "create"]),
        ([key("A", "disabled")], {}, ["create"]),
        ([key("A")], {"order": "rollover"}, ["deactivate A", "create"]),
        ([key("A")], {"rotate": "no"}, ["deactivate A"]),
        ([key("A")], {"scope": "sessions"}, []),
        ([key("A"), *FULL[:-1]], {}, ["deactivate A", "create"]),
        ([key("A"), *FULL], {}, ["deactivate A", "delete K28", "create"]),
        ([key("A"), *[key(f"K{n}") for n in range(49)]], {"scope": f"{KIND}/0oa1/A"}, ["deactivate A", "manual"]),
        ([key("A", kid="")], {}, ["deactivate A", "manual"]),
        ([key("A", kid="")], {"free_slot": (f"{KIND}/0oa1/A",)}, ["deactivate A", "delete A", "create"]),
        ([key("A"), key("B", "disabled", kid="")], {}, ["deactivate A", "delete B", "create"]),
    ],
)
def test_when_one_is_made(keys: list[Access], intent: dict[str, Any], expected: list[str]) -> None:
    assert told(drafted(keys, **intent)) == expected


def test_an_unlisted_app_gets_no_key() -> None:
    assert told(drafted([], [BlindSpot(WHO.ref, KIND, "denied")])) == ["manual"]


# -- one mint ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("family", "algorithm"), [("EC", "ES256"), ("RSA", "RS256")])
def test_the_pair_is_of_the_old_ones_family_and_signs_in(bench: Bench, family: str, algorithm: str) -> None:
    if family == "RSA":
        with bench.org.lock:
            for old in app_of(bench).keys.values():
                old.jwk = {**old.jwk, "kty": "RSA"}
    steps = by_name(bench, **REPLACE)
    bench.do(steps["deactivate"])
    made = bench.do(steps["create"])
    assert isinstance(made, Done)
    secret = bench.run.take(steps["create"].id)
    assert secret.field == "private_key"
    assert set(secret.public) == {"client_id", "kid"}
    assert secret.reveal().startswith("-----BEGIN PRIVATE KEY-----")
    assert "PRIVATE KEY" not in msgspec.json.encode(made).decode()
    new = next(k for k in app_of(bench).keys.values() if k.kid == secret.public["kid"])
    assert new.jwk["alg"] == algorithm
    assert not {"d", "p", "q"} & set(new.jwk), "the private half stays here"
    assert bench.seen(steps["create"]) == made.left
    prove = msgspec.structs.replace(steps["create"], phase=Phase.PROVE, before={})
    create = bench.doer(f"{KIND}/create")
    assert create.opens(bench.conn, prove, secret).proof is Proof.ENFORCED
    with bench.org.lock:
        new.status.set("INACTIVE", START, 0)
    assert create.opens(bench.conn, prove, secret).proof is Proof.UNPROVEN


def test_each_pair_is_new_and_its_kid_is_its_own_thumbprint() -> None:
    pairs = [new_pair("EC"), new_pair("EC")]
    assert pairs[0].public["kid"] != pairs[1].public["kid"]
    assert read_key(pairs[0].private) is not None
    for pair in pairs:
        members = {name: pair.public[name] for name in ("kty", "crv", "x", "y")}
        digest = hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest()
        assert pair.public["kid"] == base64.urlsafe_b64encode(digest).decode().rstrip("="), "RFC 7638"


def test_a_lost_create_is_found_by_difference_and_destroyed(bench: Bench) -> None:
    steps = by_name(bench, **REPLACE)
    bench.sandbox.fault(CREATE, "lost")
    with pytest.raises(NoAnswer):
        bench.do(steps["create"])
    create = bench.doer(f"{KIND}/create")
    [orphan] = create.orphans(bench.conn, steps["create"])
    assert isinstance(create.destroy(bench.conn, steps["create"], orphan), Done)
    assert isinstance(create.destroy(bench.conn, steps["create"], orphan), Already)
    assert states(app_of(bench)) == {KID: "ACTIVE"}
    assert bench.writes().count(CREATE) == 1


def test_undo_of_a_mint_takes_the_new_one_alone(bench: Bench) -> None:
    create = by_name(bench, **REPLACE)["create"]
    bench.do(create)
    assert isinstance(bench.undo(create), Done)
    assert states(app_of(bench)) == {KID: "ACTIVE"}


def test_a_nameless_key_is_deleted_first_where_it_was_named(bench: Bench) -> None:
    """OpenAPI: addJwk adds no key beside one without a kid."""
    with bench.org.lock:
        [old] = app_of(bench).keys.values()
        old.kid, old.jwk = "", {m: v for m, v in old.jwk.items() if m != "kid"}
    access = f"{KIND}/{app_of(bench).id}/{old.id}"
    steps = by_name(bench, free_slot=(access,), **REPLACE)
    bench.do(steps["deactivate"])
    assert isinstance(bench.do(steps["delete"]), Done)
    assert isinstance(bench.do(steps["create"]), Done)


# -- whole runs --------------------------------------------------------------------------------------------------------


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch, whole: Whole) -> Whole:
    """The engine, with the app's credentials alone, and the key delivered to a file."""
    deliver = '\n[[identity.payments-bot.deliver]]\nfrom = "okta:client-key"\nto = "file:{folder}/payments-key.json"\n'
    monkeypatch.setattr(seed, "MAP", seed.MAP + deliver)
    monkeypatch.setattr(OktaProvider, "kinds", lambda _: (ClientSecrets(), ClientKeys(), AccessTokens()))
    whole.restart()
    return whole


def works(whole: Whole) -> bool:
    """Whether the workload gets a token with the key that was delivered."""
    held = json.loads((whole.folder / "payments-key.json").read_text())
    signing = read_key(held["private_key"])
    assert signing is not None
    url, now = f"{whole.okta.url}/oauth2/default/v1/token", int(whole.okta.now().timestamp())
    claims = {"iss": held["client_id"], "sub": held["client_id"], "aud": url, "iat": now, "exp": now + 60}
    form = {
        "grant_type": "client_credentials",
        "scope": "payments",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, signing.key, signing.algorithm, headers={"kid": held["kid"]}),
    }
    return httpx.post(url, data=form).status_code == 200


def wrong(whole: Whole, report: Report) -> list[str]:
    """Doors of these credentials that are not as the report says."""
    return [line for line in mispredicted(whole, report) if "okta:client-" in line or "okta:access-" in line]


def test_a_run_replaces_the_key_and_finish_deletes_the_old_one(keyed: Whole) -> None:
    report = keyed.run()
    assert "client-key" not in keyed.open_doors()
    assert wrong(keyed, report) == []
    assert sorted((r.kind, r.result, r.proof) for r in report.replacements) == [
        (KIND, "served", Proof.ENFORCED),
        ("okta:client-secret", "served", Proof.ENFORCED),
    ]
    assert works(keyed)
    held = json.loads((keyed.folder / "payments-key.json").read_text())["private_key"]
    keyed.heard.files(keyed.state)
    assert not any(keyed.heard.holding(part) for part in held.splitlines()[1:-1])
    with keyed.engine() as engine:
        engine.act(report.run, "finish", engine.plan_finish(report.run), YES)
    assert list(states(keyed.okta.scene.app).values()) == ["ACTIVE"]
    assert works(keyed)


def test_a_lost_create_leaves_no_orphan_key(keyed: Whole) -> None:
    keyed.okta.fault(CREATE, "lost")
    report = keyed.run()
    assert sorted(states(keyed.okta.scene.app).values()) == ["ACTIVE", "INACTIVE"]
    assert works(keyed)
    assert wrong(keyed, report) == []


def test_killed_with_the_key_in_flight_then_resumed(keyed: Whole) -> None:
    class Killed(Exception):
        pass

    lines = len(keyed.lines(keyed.run().run))
    for at in range(3, lines, 3):

        def kill(number: int, at: int = at) -> None:
            if number == at:
                raise Killed

        keyed.restart()
        with pytest.raises(Killed):
            keyed.run(before_append=kill)
        [run] = keyed.runs()
        keyed.resume(run)
        assert sorted(states(keyed.okta.scene.app).values()) == ["ACTIVE", "INACTIVE"], f"killed before line {at}"
        assert works(keyed), f"killed before line {at}"


def test_undo_arms_the_key_again_only_when_told_to(keyed: Whole) -> None:
    report = keyed.run()
    app = keyed.okta.scene.app
    keyed.undo(report.run, rearm=[f"{KIND}/{app.id}/{next(iter(app.keys))}"])
    assert "client-key" in keyed.open_doors()
    assert "client-secret" not in keyed.open_doors()


def test_keys_elsewhere_are_open_in_the_report(keyed: Whole) -> None:
    app = keyed.okta.scene.app
    app.keys.clear()
    app.jwks_uri = "https://keys.example.com/payments.json"
    report = keyed.run()
    [door] = report.open
    assert door.access == f"{KIND}/{app.id}/jwks-uri"
    assert report.headline == "NOT PROVEN OUT"
    assert report.exit_code == 8
    assert any("--brake on" in command for command in report.next)
