"""The operator's login and how Google is asked, over REST and over gRPC (facts gcp.md 3, 4, 7: 10, 14, 20, 26, 27)."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from msgspec.structs import replace

from nhi_revoke.engine.io import EngineIo
from nhi_revoke.provider.fault import Denied, NoAnswer, Rejected, Throttled, Unauthenticated, Unavailable
from nhi_revoke.provider.sandbox.server import LoopbackServer
from nhi_revoke_gcp import iam
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.permissions import CREATE_KEY, DISABLE_ACCOUNT, GET_ACCOUNT
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.settings import GcpSettings
from nhi_revoke_gcp.universe import checked, grpc_target, url_of

from .conftest import BOT, START, Bench

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

T = TypeVar("T")
RESPONDER = f"gcp:sa/{seed.RESPONDER}@{seed.SECURITY}.iam.gserviceaccount.com"
GET, DISABLE, CREATE = "iam.GetServiceAccount", "iam.DisableServiceAccount", "iam.CreateServiceAccountKey"


def asked(bench: Bench, name: str) -> int:
    return sum(call.name == name for call in bench.sandbox.calls())


def named(bench: Bench) -> dict[str, str]:
    return {"name": bench.account.resource}


# -- who the operator is -------------------------------------------------------------------------------------------


def test_the_operator_is_the_account_of_its_key_file(bench: Bench) -> None:
    assert [str(ref) for ref in bench.conn.whoami()] == [RESPONDER]


def test_the_whole_chain_of_an_impersonation_is_the_operator(bench: Bench) -> None:
    """Facts gcp.md 7, 10: whoever of the chain were ended, the operator would lock itself out."""
    hop, last = (bench.cloud.new_account(name, seed.SECURITY, START) for name in ("hop", "last"))
    responder = RESPONDER.removeprefix("gcp:sa/")
    seed.bind(bench.cloud, hop, seed.CREATOR, f"serviceAccount:{responder}", START)
    seed.bind(bench.cloud, last, seed.CREATOR, f"serviceAccount:{hop.email}", START)
    bench.sandbox.gate.operators.add(f"serviceAccount:{last.email}")
    bench.conn = bench.connect(impersonate=(hop.email, last.email))
    assert [str(r) for r in bench.conn.whoami()] == [f"gcp:sa/{last.email}", f"gcp:sa/{hop.email}", RESPONDER]
    assert bench.resolve(BOT).name == bench.account.email, "and it works as the last one"


def test_an_impersonation_that_nobody_allows_is_no_login(bench: Bench) -> None:
    bench.cloud.new_account("last", seed.SECURITY, START)
    conn = bench.connect(impersonate=("last@sec-ops.iam.gserviceaccount.com",))
    with pytest.raises(Unauthenticated, match="does not let the operator in"):
        conn.whoami()


def test_a_key_that_is_refused_is_no_login_and_no_word_of_the_answer_is_told(bench: Bench) -> None:
    for key in bench.cloud.accounts[RESPONDER.removeprefix("gcp:sa/")].keys.values():
        key.disabled.set(True, bench.sandbox.now(), 0.0)
    with pytest.raises(Unauthenticated) as caught:
        bench.connect().whoami()
    assert "(invalid_grant)" in caught.value.message
    assert "Signature" not in caught.value.message


@pytest.mark.parametrize("text", ["no json", "{}", '{"type": "authorized_user"}', '{"type": "service_account"}'])
def test_a_file_that_is_no_key_file_is_no_login(bench: Bench, tmp_path: Path, text: str) -> None:
    (tmp_path / "wrong.json").write_text(text)
    with pytest.raises(Unauthenticated, match="nothing was looked at"):
        bench.connect(credentials_file=str(tmp_path / "wrong.json")).whoami()
    with pytest.raises(Unauthenticated, match="cannot be read"):
        bench.connect(credentials_file=str(tmp_path / "absent.json")).whoami()


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine without any of Google's credentials."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("google.auth.compute_engine._metadata._NO_GCE_CHECK", True)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path))
    return monkeypatch


def test_default_credentials_are_taken_where_no_file_is_named(bench: Bench, alone: pytest.MonkeyPatch) -> None:
    alone.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(bench.settings.credentials_file))
    assert [str(ref) for ref in bench.connect(credentials_file="").whoami()] == [RESPONDER]


def test_without_any_credentials_it_says_where_they_come_from(bench: Bench, alone: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unauthenticated) as caught:
        bench.connect(credentials_file="").whoami()
    assert "GOOGLE_APPLICATION_CREDENTIALS" in caught.value.hint


def test_a_machine_in_google_cloud_works_as_its_own_account(bench: Bench, alone: pytest.MonkeyPatch) -> None:
    """Its metadata server gives the tokens; whose they are is known once one was had."""
    [member] = bench.sandbox.gate.operators
    machine = MetadataServer(member.removeprefix("serviceAccount:"), lambda: bench.cloud.new_token(member, START).value)
    server = LoopbackServer(machine, bench.sandbox.now)
    server.start()
    host = server.url.removeprefix("http://")
    alone.setenv("GCE_METADATA_IP", host)
    # These it reads once in a process.
    alone.setattr("google.auth.compute_engine._metadata._GCE_METADATA_HOST", host)
    alone.setattr("google.auth.compute_engine._metadata._NO_GCE_CHECK", False)
    conn = bench.connect(credentials_file="")
    try:
        assert [str(ref) for ref in conn.whoami()] == [RESPONDER]
        assert conn.iam.read("get_service_account", named(bench), GET_ACCOUNT).email == bench.account.email
    finally:
        server.close()


class MetadataServer:
    """As far as google-auth asks it."""

    def __init__(self, email: str, token: Callable[[], str]) -> None:
        self.email, self.token, self.universe = email, token, "googleapis.com"

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked = environ["PATH_INFO"]
        sort = "text/plain" if asked.endswith("/universe-domain") else "application/json"
        start_response("200 OK", [("Content-Type", sort), ("Metadata-Flavor", "Google")])
        if asked.endswith("/token"):
            return [json.dumps({"access_token": self.token(), "expires_in": 3599, "token_type": "Bearer"}).encode()]
        if asked.endswith("/universe-domain"):
            return [self.universe.encode()]
        return [json.dumps({"email": self.email, "scopes": ["cloud-platform"], "aliases": ["default"]}).encode()]


def test_the_quota_project_is_sent_through_both_doors(bench: Bench) -> None:
    """Facts gcp.md 7, 20."""
    bench.conn = bench.connect({"GOOGLE_CLOUD_QUOTA_PROJECT": "sec-ops"})
    bench.collect(BOT)
    assert bench.sandbox.gate.billed >= {("rest", "sec-ops"), ("grpc", "sec-ops")}
    bench.sandbox.gate.billed.clear()
    bench.conn = bench.connect({"GOOGLE_CLOUD_QUOTA_PROJECT": "sec-ops"}, quota_project="other-one")
    bench.collect(BOT)
    assert {project for _, project in bench.sandbox.gate.billed} == {"", "other-one"}, "tokens are asked for without"


@pytest.mark.parametrize("door", ["rest", "grpc"])
def test_a_token_that_is_refused_is_renewed_once(bench: Bench, door: str) -> None:
    bench.collect(BOT)
    bench.cloud.tokens.clear()
    with pytest.raises(Unauthenticated):
        ask(bench, door)  # it is new: to renew it at once would ask for ever
    bench.sandbox.advance(61)
    ask(bench, door)
    assert asked(bench, "POST /token") == 2


def ask(bench: Bench, door: str) -> Any:
    if door == "grpc":
        return bench.conn.iam.read("get_service_account", named(bench), GET_ACCOUNT)
    return bench.conn.get("iam", f"/v1/{bench.account.resource}/keys", "iam.serviceAccountKeys.list")


def test_a_token_is_renewed_before_its_end(bench: Bench) -> None:
    ask(bench, "grpc")
    bench.sandbox.advance(29 * 60)
    ask(bench, "grpc")
    assert asked(bench, "POST /token") == 1
    bench.sandbox.advance(2 * 60)
    ask(bench, "rest")
    assert asked(bench, "POST /token") == 2


# -- what is asked, and how often ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["429", "500", "timeout"])
def test_a_read_that_fails_for_a_moment_is_asked_again_by_the_engine(bench: Bench, fault: Any) -> None:
    bench.sandbox.fault(GET, fault, times=1)
    assert ask(bench, "grpc").email == bench.account.email
    assert asked(bench, GET) == 2


class Once(EngineIo):
    """An engine that asks once."""

    def ask(self, call: Callable[[], T], *, repeatable: bool) -> T:
        return call()


def test_the_library_itself_repeats_nothing(bench: Bench) -> None:
    """Facts gcp.md 3: by itself it repeats reads and deletes on UNAVAILABLE."""
    io = Once(bench.io.clock)
    conn = GcpConnection(seed.PROJECT, bench.settings, io, {})
    bench.sandbox.fault(GET, "down", times=1)
    with pytest.raises(Unavailable):
        conn.iam.read("get_service_account", named(bench), GET_ACCOUNT)
    assert asked(bench, GET) == 1
    io.close()


@pytest.mark.parametrize("fault", ["500", "timeout", "lost"])
def test_a_create_is_never_repeated(bench: Bench, fault: Any) -> None:
    """Facts gcp.md 7, 14."""
    bench.sandbox.fault(CREATE, fault, times=1)
    with pytest.raises(NoAnswer, match="it may have happened"):
        bench.conn.iam.send("create_service_account_key", named(bench), CREATE_KEY, again=False)
    assert asked(bench, CREATE) == 1


def test_a_call_that_hangs_has_a_timeout(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts gcp.md 7, 26: by itself the library waits for ever for an answer to `disable`."""
    bench.conn.whoami()
    monkeypatch.setattr(iam, "TIMEOUT", 0.2)
    with bench.cloud.lock, pytest.raises(NoAnswer, match="no answer from Google Cloud to iam disable_service_account"):
        bench.conn.iam.send("disable_service_account", named(bench), DISABLE_ACCOUNT, again=False)


def test_a_change_that_may_happen_twice_is_asked_again_after_no_answer(bench: Bench) -> None:
    bench.sandbox.fault(DISABLE, "lost", times=1)
    bench.conn.iam.send("disable_service_account", named(bench), DISABLE_ACCOUNT, again=True)
    assert asked(bench, DISABLE) == 2
    assert bench.account.disabled.shown


def test_nobody_listens(bench: Bench) -> None:
    conn = bench.connect(iam_grpc="127.0.0.1:1")
    with pytest.raises(Unavailable):
        conn.iam.read("get_service_account", named(bench), GET_ACCOUNT)


def test_throttled_for_good_it_is_told_as_such(bench: Bench) -> None:
    bench.sandbox.fault(GET, "429", times=1000)
    with pytest.raises(Throttled):
        ask(bench, "grpc")


def test_a_denial_names_the_permission_and_an_api_that_is_off_names_the_api(bench: Bench) -> None:
    """Facts gcp.md 7 (20, 21)."""
    bench.sandbox.allow_only(["none"])
    with pytest.raises(Denied) as caught:
        ask(bench, "grpc")
    assert (caught.value.needs, caught.value.code) == (GET_ACCOUNT, "PERMISSION_DENIED")
    bench.sandbox.allow_only(None)
    bench.cloud.off.add("policyanalyzer")
    with pytest.raises(Denied) as caught:
        list(bench.conn.rows("policyanalyzer", path(), "activities", "any"))
    assert caught.value.needs == "policyanalyzer.googleapis.com (an API that is off)"
    assert "gcloud services enable policyanalyzer.googleapis.com" in caught.value.hint


def path() -> str:
    kind = "serviceAccountKeyLastAuthentication"
    return f"/v1/projects/shop-prod/locations/global/activityTypes/{kind}/activities:query"


def test_a_list_is_read_to_its_last_page(bench: Bench) -> None:
    """Facts gcp.md 7, 12."""
    bench.sandbox.page_size(1)
    assert len(list(bench.conn.rows("policyanalyzer", path(), "activities", "any"))) == 2


def test_at_debug_the_libraries_print_no_secret(
    bench: Bench, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    """Facts gcp.md 7, 15: google-cloud-iam prints whole answers at DEBUG, new private keys and bearers included, to a
    logger of its own that hands nothing to others (whoever sets GOOGLE_SDK_PYTHON_LOGGING_SCOPE reads it).
    """
    theirs = logging.getLogger("google")
    theirs.addHandler(caplog.handler)
    request.addfinalizer(lambda: theirs.removeHandler(caplog.handler))
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="google"):
        bench.conn = bench.connect()
        new = bench.conn.iam.send("create_service_account_key", named(bench), CREATE_KEY, again=False)
        assert bench.conn.signs_in(json.loads(new.private_key_data)) == ""
    said = "\n".join(record.getMessage() + str(record.__dict__) for record in caplog.records)
    assert not [secret for secret in bench.sandbox.canaries() if secret in said]


# -- where Google is -----------------------------------------------------------------------------------------------


def test_another_universe_has_other_hosts() -> None:
    """Facts gcp.md 7, 27: nothing but the default names googleapis.com."""
    assert url_of(GcpSettings(), "iam", "s3nsapis.fr") == "https://iam.s3nsapis.fr"
    assert grpc_target(GcpSettings(), "s3nsapis.fr") == ("iam.s3nsapis.fr:443", False)


def test_the_universe_is_the_settings_else_the_credentials(bench: Bench, tmp_path: Path) -> None:
    file = json.loads(Path(bench.settings.credentials_file).read_text())
    (tmp_path / "sovereign.json").write_text(json.dumps({**file, "universe_domain": "s3nsapis.fr"}))
    assert bench.connect(credentials_file=str(tmp_path / "sovereign.json"))._login.universe == "s3nsapis.fr"
    assert bench.connect(universe_domain="other.example")._login.universe == "other.example"
    assert bench.conn._login.universe == "googleapis.com"


@pytest.mark.parametrize("url", ["http://iam.example.com", "ftp://x", "https://a@b", "https://x/?q=1", "https://["])
def test_no_bearer_is_sent_to_what_is_no_https_address(url: str) -> None:
    with pytest.raises(Unauthenticated, match="Nothing was looked at"):
        checked(url, "iam_url")


@pytest.mark.parametrize("target", ["iam.example.com", "https://x:1", "a@b:1", "x:y"])
def test_what_is_no_host_and_port_is_refused(target: str) -> None:
    with pytest.raises(Unauthenticated):
        grpc_target(GcpSettings(iam_grpc=target), "googleapis.com")


def test_only_this_machine_is_asked_without_tls() -> None:
    assert grpc_target(GcpSettings(iam_grpc="127.0.0.1:99"), "googleapis.com") == ("127.0.0.1:99", True)
    assert grpc_target(GcpSettings(iam_grpc="iam.example.com:443"), "googleapis.com")[1] is False


def test_a_key_is_used_at_no_other_address_than_https(bench: Bench, tmp_path: Path) -> None:
    file = json.loads(Path(bench.settings.credentials_file).read_text())
    (tmp_path / "evil.json").write_text(json.dumps({**file, "token_uri": "http://evil.example/token"}))
    with pytest.raises(Unauthenticated, match="token_uri"):
        bench.connect(credentials_file=str(tmp_path / "evil.json"), token_url="").whoami()


def test_a_movable_clock_reaches_this_machine_only(bench: Bench) -> None:
    assert gcp.on_loopback(bench.settings)
    for changes in (
        {"iam_url": ""}, {"token_url": "https://oauth2.googleapis.com/token"}, {"credentials_file": ""},
        {"iam_grpc": "iam.googleapis.com:443"}, {"orgpolicy_url": "http://evil.example"},
    ):  # fmt: skip
        assert not gcp.on_loopback(replace(bench.settings, **changes))


def test_an_answer_that_leads_elsewhere_is_not_followed(bench: Bench) -> None:
    with pytest.raises(Rejected):
        bench.conn.get("iam", "https://evil.example/v1/x", "any")


def test_googles_clock_is_learnt_from_its_answers(bench: Bench) -> None:
    bench.sandbox.skew(300)
    conn = bench.connect()
    conn.whoami()
    assert abs(conn.now() - bench.sandbox.now()) < timedelta(seconds=3)


LOSES = """
import json, sys
from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.provider.sandbox.remote import RemoteClock
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.settings import GcpSettings

told = json.loads(sys.stdin.readline())
conn = GcpConnection("", GcpSettings(**told["settings"]), EngineIo(SandboxClock(RemoteClock(told["control"]))), {})
print(conn.iam.read("get_service_account", {"name": told["name"]}, "x").email, flush=True)
sys.stdin.readline()
"""


def test_grpc_itself_writes_nothing_to_the_terminal(bench: Bench) -> None:
    """By itself it tells of each connection that the other side closes."""
    told = {"settings": bench.sandbox.settings(), "control": bench.sandbox.control, "name": bench.account.resource}
    other = subprocess.Popen(
        [sys.executable, "-c", LOSES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert other.stdin is not None
    assert other.stdout is not None
    other.stdin.write(json.dumps(told) + "\n")
    other.stdin.flush()
    assert other.stdout.readline().strip() == bench.account.email
    bench.sandbox.grpc.close()
    time.sleep(0.3)
    _, said = other.communicate("\n", timeout=20)
    assert (other.returncode, said) == (0, "")
