"""Which cluster, who the operator is there, and what a refusal is told as."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from nhi_revoke.provider.fault import (
    Conflict,
    Denied,
    Fault,
    Missing,
    NoAnswer,
    Rejected,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from nhi_revoke_kubernetes import plugin, provider
from nhi_revoke_kubernetes.connection import KubernetesConnection, May
from nhi_revoke_kubernetes.kubeconfig import chosen, configuration, scope_of
from nhi_revoke_kubernetes.settings import KubernetesSettings
from nhi_revoke_kubernetes.words import fault_of
from tests.kubernetes.bench import NAME, NS, Bench, kubeconfig, pair
from tests.kubernetes.stand_in import ROOT

ELSEWHERE = "https://other.example.com:6443"


class TestKubeconfig:
    def test_from_where_kubectl_looks(self, tmp_path: Path) -> None:
        one, two = kubeconfig(tmp_path, "https://one", name="one"), kubeconfig(tmp_path, "https://two", name="two")
        home = tmp_path / ".kube"
        home.mkdir()
        kubeconfig(tmp_path, "https://home", name="home").rename(home / "config")
        env = {"HOME": str(tmp_path)}
        assert scope_of(KubernetesSettings(), env) == "https://home"
        assert scope_of(KubernetesSettings(), {**env, "KUBECONFIG": str(two)}) == "https://two"
        assert scope_of(KubernetesSettings(str(one)), {**env, "KUBECONFIG": str(two)}) == "https://one"
        both = {"KUBECONFIG": f"{one}:{two}"}
        assert scope_of(KubernetesSettings(), both) == "https://one", "the first current context wins, as in kubectl"
        assert scope_of(KubernetesSettings(context="two"), both) == "https://two"

    def test_in_a_pod(self) -> None:
        env = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
        assert scope_of(KubernetesSettings(), env) == "https://10.0.0.1:443"
        assert scope_of(KubernetesSettings(), {**env, "KUBERNETES_SERVICE_HOST": "fd00::1"}) == "https://[fd00::1]:443"
        with pytest.raises(Unauthenticated, match="service account cannot be used"):
            configuration(chosen(KubernetesSettings(), env), env)

    @pytest.mark.parametrize("text", ["", "canary: [", "[]", '"canary"', '{"contexts": 3, "current-context": "x"}'])
    def test_one_that_cannot_be_read_is_never_quoted(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "config"
        path.write_text(text)
        with pytest.raises(Unauthenticated) as told:
            chosen(KubernetesSettings(str(path)), {})
        assert "canary" not in told.value.message + told.value.hint

    def test_none_at_all(self, tmp_path: Path) -> None:
        for settings in (KubernetesSettings(), KubernetesSettings(context="x"), KubernetesSettings("/no/such")):
            with pytest.raises(Unauthenticated):
                chosen(settings, {"HOME": str(tmp_path)})
            assert scope_of(settings, {"HOME": str(tmp_path)}) == ""

    def test_a_context_that_is_not_there(self, tmp_path: Path) -> None:
        path = kubeconfig(tmp_path, ELSEWHERE, name="production")
        with pytest.raises(Unauthenticated) as told:
            chosen(KubernetesSettings(str(path), "prodution"), {})
        assert told.value.hint == 'Did you mean "production"?'

    @pytest.mark.parametrize(
        "cluster",
        [{"server": "http://other.example.com"}, {"server": ELSEWHERE, "insecure-skip-tls-verify": True}],
    )
    def test_nothing_is_sent_to_whom_nothing_proves(self, tmp_path: Path, cluster: dict[str, Any]) -> None:
        path = kubeconfig(tmp_path, ELSEWHERE)
        told = json.loads(path.read_text())
        told["clusters"][0]["cluster"] = cluster
        path.write_text(json.dumps(told))
        with pytest.raises(Unauthenticated, match="without a proof of who it is"):
            configuration(chosen(KubernetesSettings(str(path)), {}), {})

    @pytest.mark.parametrize("part", ["certificate-authority-data", "client-key-data"])
    def test_what_it_holds_is_never_quoted(self, kube: Bench, tmp_path: Path, part: str) -> None:
        path = kubeconfig(tmp_path, "https://127.0.0.1:9")
        told = json.loads(path.read_text())
        told["clusters" if part.startswith("cert") else "users"][0]["cluster" if part.startswith("cert") else "user"][
            part
        ] = "canary!"
        path.write_text(json.dumps(told))
        conn = KubernetesConnection("", KubernetesSettings(str(path)), kube.io, {})
        with pytest.raises(Fault) as wrong:
            conn.whoami()
        assert "canary" not in wrong.value.message + wrong.value.hint

    def test_no_context_is_the_current_one(self, tmp_path: Path) -> None:
        path = kubeconfig(tmp_path, ELSEWHERE)
        path.write_text(path.read_text().replace('"current-context": "here"', '"current-context": ""'))
        with pytest.raises(Unauthenticated, match="no current context"):
            chosen(KubernetesSettings(str(path)), {})
        path = kubeconfig(tmp_path, "ops:canary@host")
        with pytest.raises(Unauthenticated, match="no server that can be used") as told:
            chosen(KubernetesSettings(str(path)), {})
        assert "canary" not in told.value.message

    def test_a_plan_for_another_cluster(self, kube: Bench) -> None:
        conn = kube.connect(scope=ELSEWHERE)
        assert conn.scope == ELSEWHERE
        with pytest.raises(Rejected, match="this plan is for the cluster"):
            conn.whoami()
        assert kube.cluster.asked == []
        assert kube.connect(scope=kube.cluster.url).whoami()

    def test_only_loopback_is_on_loopback(self, kube: Bench, tmp_path: Path) -> None:
        assert provider.on_loopback(KubernetesSettings(str(kubeconfig(tmp_path, kube.cluster.url))))
        assert not provider.on_loopback(KubernetesSettings(str(kubeconfig(tmp_path, ELSEWHERE))))
        assert not provider.on_loopback(KubernetesSettings("/no/such"))


class TestTls:
    @pytest.mark.parametrize("trusted", [True, False])
    def test_the_clusters_own_ca_and_no_other(self, kube: Bench, tmp_path: Path, trusted: bool) -> None:
        pem, key = own_certificate()
        held = tmp_path / "server.pem"
        held.write_bytes(key + pem)
        kube.cluster.wrap(held)
        path = kubeconfig(tmp_path, kube.cluster.url.replace("http:", "https:"))
        told = json.loads(path.read_text())
        ca = pem if trusted else own_certificate()[0]
        told["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(ca).decode()
        path.write_text(json.dumps(told))
        conn = KubernetesConnection("", KubernetesSettings(str(path)), kube.io, {})
        if trusted:
            assert conn.whoami()
        else:
            with pytest.raises(Unavailable):
                conn.whoami()
            assert kube.cluster.asked == [], "nobody else was shown the bearer"


def own_certificate() -> tuple[bytes, bytes]:
    """Of 127.0.0.1, signed by itself, and its key; PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube")])
    day = timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - day)
        .not_valid_after(datetime.now(UTC) + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), private


class TestPlugin:
    def conn(self, kube: Bench, script: str, **program: Any) -> KubernetesConnection:
        path = kubeconfig(kube.folder, kube.cluster.url)
        told = json.loads(path.read_text())
        run = kube.folder / "plugin"
        run.write_text(f"#!{sys.executable}\n{script}")
        run.chmod(0o700)
        version = "client.authentication.k8s.io/v1"
        told["users"][0]["user"] = {"exec": {"command": "./plugin", "apiVersion": version, **program}}
        path.write_text(json.dumps(told))
        return KubernetesConnection("", KubernetesSettings(str(path)), kube.io, {"PATH": "/usr/bin"})

    def runs(self, kube: Bench) -> int:
        return len((kube.folder / "runs").read_text())

    GIVES = """
import json, os, pathlib, sys
asked = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
number = pathlib.Path(sys.argv[0]).parent / "runs"
number.write_text(number.read_text() + "x" if number.exists() else "x")
token = os.environ["TOKEN"] + ("" if len(number.read_text()) > int(os.environ.get("BAD", 0)) else "-old")
assert asked["spec"]["interactive"] is False
print(json.dumps({"apiVersion": asked["apiVersion"], "kind": "ExecCredential", "status": {"token": token}}))
"""

    def test_it_signs_in_and_again_once_its_token_has_passed(self, kube: Bench) -> None:
        env = [{"name": "TOKEN", "value": ROOT}, {"name": "BAD", "value": "1"}]
        conn = self.conn(kube, self.GIVES, env=env)
        assert conn.whoami()
        assert (kube.folder / "runs").read_text() == "xx"
        assert conn.whoami()
        assert (kube.folder / "runs").read_text() == "xx"
        kube.cluster.tokens = {}
        kube.cluster.before = lambda _: setattr(kube.cluster, "tokens", {ROOT: None} if self.runs(kube) > 2 else {})
        assert conn.whoami(), "and once more, hours later"
        assert self.runs(kube) == 3

    def test_a_login_that_is_not_accepted_is_tried_twice_and_told(self, kube: Bench) -> None:
        conn = self.conn(kube, self.GIVES, env=[{"name": "TOKEN", "value": "canary-wrong"}])
        with pytest.raises(Unauthenticated) as told:
            conn.whoami()
        assert "canary" not in told.value.message
        assert len(kube.cluster.asked) == 2

    @pytest.mark.parametrize(
        "script", ["import sys; print('canary', file=sys.stderr); sys.exit(3)", "print('canary')", "print('{}')"]
    )
    def test_one_that_fails_is_told_without_its_words(
        self, kube: Bench, script: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(Unauthenticated) as told:
            self.conn(kube, script).whoami()
        assert "plugin, which signs the operator in" in told.value.message
        assert "canary" not in told.value.message + "".join(capfd.readouterr())

    def test_it_is_told_of_its_cluster_where_it_wants_that(self, kube: Bench) -> None:
        wants = self.GIVES + "assert asked['spec']['cluster']['server'].startswith('http://127.0.0.1:')\n"
        wants = wants.replace("print(", "assert asked['spec']['cluster']['config'] == {'audience': 'x'}\nprint(")
        conn = self.conn(kube, wants, env=[{"name": "TOKEN", "value": ROOT}], provideClusterInfo=True)
        path = Path(conn.settings.kubeconfig)
        told = json.loads(path.read_text())
        own = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}
        told["clusters"][0]["cluster"]["extensions"] = [own]
        path.write_text(json.dumps(told))
        assert conn.whoami()

    def test_one_that_hangs_is_ended(self, kube: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(plugin, "TIMEOUT", 0.05)
        with pytest.raises(Unauthenticated, match="did not end in"):
            self.conn(kube, "import time; time.sleep(600)").whoami()

    def test_a_certificate_instead_of_a_token(self, kube: Bench) -> None:
        pem, key = own_certificate()
        status = {"clientCertificateData": pem.decode(), "clientKeyData": key.decode()}
        told = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
        conn = self.conn(kube, f"print({json.dumps(told)!r})")
        path = Path(conn.settings.kubeconfig)
        path.write_text(path.read_text().replace(kube.cluster.url, ELSEWHERE))
        made = configuration(chosen(conn.settings, {}), {"PATH": "/usr/bin"})
        assert Path(made.cert_file).read_bytes() == pem
        assert Path(made.key_file).read_bytes() == key

    def test_one_that_is_not_there(self, kube: Bench) -> None:
        with pytest.raises(Unauthenticated, match="did not start"):
            self.conn(kube, "", command="no-such-plugin").whoami()


class TestAsked:
    @pytest.mark.parametrize(
        ("status", "mutates", "kind"),
        [
            (307, True, Rejected), (400, True, Rejected), (401, True, Unauthenticated), (403, True, Denied),
            (404, False, Missing), (409, True, Conflict), (410, False, Missing), (422, True, Rejected),
            (429, True, Throttled), (500, False, Unavailable), (500, True, NoAnswer), (503, True, NoAnswer),
        ],
    )  # fmt: skip
    def test_each_refusal(self, status: int, mutates: bool, kind: type[Fault]) -> None:
        body = json.dumps({"kind": "Status", "reason": "Some", "message": "canary"}).encode()
        for sent in (body, body.decode(), b"canary", None):
            told = fault_of(status, sent, {"Retry-After": "3"}, what="w", needs="n", mutates=mutates)
            assert type(told) is kind
            assert "canary" not in told.message + told.code
            assert not isinstance(told, Throttled) or told.retry_after == 3

    @pytest.mark.parametrize("status", [301, 307])
    def test_no_redirect_is_followed_with_the_bearer(self, kube: Bench, status: int) -> None:
        with Bench(kube.folder) as other:
            there = other.cluster.url
            kube.cluster.answer = lambda _: (status, {"Location": f"{there}/api"}, b"")
            kube.conn = kube.connect()
            with pytest.raises(Rejected, match="not followed"):
                kube.conn.whoami()
            assert other.cluster.asked == []
        assert len(kube.cluster.asked) == 1

    def test_a_write_is_never_sent_twice_by_the_library(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        kube.cluster.answer = lambda what: (503, {"Retry-After": "1"}, b"") if what.startswith("PATCH") else None
        with pytest.raises(NoAnswer):
            kube.do("serve")
        assert len([w for w in kube.writes if w.startswith("PATCH")]) == 1

    def test_an_answer_that_is_none(self, kube: Bench) -> None:
        kube.put(pair())
        kube.cluster.answer = lambda _: (200, {}, b"<html>")
        with pytest.raises(Unavailable):
            kube.check()
        kube.cluster.answer = lambda what: (200, {}, b"<html>") if what.startswith("PATCH") else None
        kube.minted()
        with pytest.raises(NoAnswer):
            kube.do("serve")

    def test_throttled_is_asked_again(self, kube: Bench) -> None:
        answers = iter([(429, {"Retry-After": "2"}, b"")])
        kube.cluster.answer = lambda _: next(answers, None)
        assert kube.conn.whoami()
        assert len(kube.cluster.asked) == 2

    def test_nobody_answers(self, kube: Bench) -> None:
        path = kubeconfig(kube.folder, "http://127.0.0.1:9")
        conn = KubernetesConnection("", KubernetesSettings(str(path)), kube.io, {})
        with pytest.raises(Unavailable, match="could not be reached"):
            conn.whoami()

    def test_a_cluster_that_is_too_old_for_whoami(self, kube: Bench) -> None:
        kube.cluster.answer = lambda _: (404, {}, b"")
        assert kube.conn.whoami() == ()

    def test_what_may_not_be_asked_is_not_lacking(self, kube: Bench) -> None:
        kube.cluster.answer = lambda _: (403, {}, b"")
        assert kube.conn.lacks([May("get", "secrets", NS, NAME)]) == []

    def test_every_call_has_a_timeout(self, kube: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        from urllib3 import PoolManager

        seen: list[Any] = []
        real = PoolManager.request

        def timed(*args: Any, **more: Any) -> Any:
            seen.append(more["timeout"])
            return real(*args, **more)

        monkeypatch.setattr(PoolManager, "request", timed)
        kube.put(pair())
        kube.minted()
        for verb in ("stage", "serve", "forget"):
            kube.do(verb)
        assert len(seen) == len(kube.cluster.asked)
        assert all(each.connect_timeout and each.read_timeout for each in seen)


def test_the_front_door_loads_no_client() -> None:
    """And so does no command that delivers nothing to Kubernetes."""
    code = "import sys, nhi_revoke_kubernetes as k; k.provider.targets(); print([m for m in sys.modules if 'kubernetes.' in m and not m.startswith('nhi') or m == 'urllib3'])"  # noqa: E501
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
