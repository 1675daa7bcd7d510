"""Whole runs by the real command line: the example cloud mints, a Secret keeps it, and a workload is restarted."""

from __future__ import annotations

import base64
from collections.abc import Callable
from io import StringIO
from pathlib import Path

from nhi_revoke.cli.process import run
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.event import Tell
from nhi_revoke.engine.service import Engine
from nhi_revoke.provider.registry import Registry
from nhi_revoke.testing.conformance import toml
from nhi_revoke.testing.conformance.world import Loaded
from nhi_revoke_example.sandbox import ExampleSandbox
from nhi_revoke_kubernetes import provider
from tests.kubernetes.bench import NAME, NS, Bench, kubeconfig
from tests.kubernetes.stand_in import ROOT
from tests.vault.desk import Ran, ToldExample

MAP = """
[identity.bot]
principals = ["example:bot/Payments-Bot"]
[[identity.bot.deliver]]
from = "example:token"
to = "kubernetes:{to}"
[[identity.bot.flush]]
use = "kubernetes-restart"
namespace = "prod"
workloads = ["deployment/api"]
"""
Hook = Callable[[int], None]


class Desk:
    """One example cloud, one cluster, one state folder, and as many commands as it takes. `with` starts the cloud."""

    def __init__(self, kube: Bench, folder: Path) -> None:
        self.kube, self.folder, self.clock = kube, folder, kube.clock
        self.cloud = ExampleSandbox()
        self.said: list[str] = []
        self.key, self.token = "", ROOT

    def __enter__(self) -> Desk:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cloud.start(self.clock)
        self.cloud.seed(str(self.folder))
        return self

    def __exit__(self, *exc: object) -> None:
        self.cloud.close()

    def __call__(self, *arguments: str, before_append: Hook | None = None) -> Ran:
        out, err = StringIO(), StringIO()

        def make(session: Session, tell: Tell) -> Engine:
            return Engine(
                session.registry, session.config, tell, clock=SandboxClock(self.clock), before_append=before_append
            )

        path = self.folder / "nhi.toml"
        tables = (
            toml.table("example", self.cloud.settings()),
            toml.table("kubernetes", {"kubeconfig": str(kubeconfig(self.folder, self.kube.cluster.url, self.token))}),
            toml.table("sandbox", {"control": self.cloud.control}),
        )
        path.write_text("\n".join([MAP.format(to=f"{NS}/{NAME}{self.key}"), *tables]))
        environ = {"NHI_REVOKE_CONFIG": str(path), "NHI_REVOKE_STATE": str(self.folder / "state"), "COLUMNS": "400"}
        plugins = [Loaded("example", ToldExample()), Loaded("kubernetes", provider)]
        streams = Streams(StringIO(), out, err, environ)
        session = Session(streams, arguments, self.folder, make_engine=make, make_registry=lambda _: Registry(plugins))
        ran = Ran(run(session), out.getvalue(), err.getvalue())
        self.said += [ran.out, ran.err]
        assert "Traceback" not in ran.words
        assert "this is a bug" not in ran.words
        return ran

    @property
    def journals(self) -> list[Path]:
        return sorted((self.folder / "state" / "runs").glob("*.jsonl"))

    def living(self) -> list[str]:
        """Tokens of the bot that work."""
        return sorted(
            t.id for t in self.cloud.cloud.tokens.values() if t.bot == "payments-bot" and t.state.shown == "active"
        )

    def secrets(self) -> list[str]:
        return [*self.cloud.canaries(), self.token]

    def check(self) -> None:
        """No secret on any screen, nor in any file of the state; neither in clear nor in base64."""
        kept = [p.read_text() for p in (self.folder / "state").rglob("*") if p.is_file()]
        told = "\n".join([*self.said, *kept])
        assert self.said
        secrets = [*self.secrets(), "canary-of-before"]
        coded = [base64.b64encode(each.encode()).decode() for each in secrets]
        assert not [each for each in (*secrets, *coded) if each in told]
