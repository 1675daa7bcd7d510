"""The real command line against AWS on loopback, on a clock that is moved; afterwards nothing leaked or was lost."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.cli.process import run
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.event import Event, Tell
from nhi_revoke.engine.journal import BeforeAppend, Journal
from nhi_revoke.engine.service import Engine
from nhi_revoke.engine.store import RunFolder
from nhi_revoke.model.line import Line
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.testing.conformance import toml
from nhi_revoke.testing.conformance.heard import Heard
from nhi_revoke.testing.conformance.world import Loaded
from nhi_revoke_aws import provider as aws_provider
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, OTHER_ACCOUNT, AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow, trust_of
from nhi_revoke_aws.sandbox.state import Account, Role, User
from nhi_revoke_local import provider as local_provider

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
BOT, WORKER, LEDGER, OPERATOR = "payments-bot", "payments-worker", "payments-ledger", "incident-responder"
USER_REF = f"aws:arn:aws:iam::{ACCOUNT}:user/bots/{BOT}"
WORKER_REF = f"aws:arn:aws:iam::{ACCOUNT}:role/bots/{WORKER}"
LEDGER_REF = f"aws:arn:aws:iam::{ACCOUNT}:role/{LEDGER}"
YES = ("--yes", "--allow-irreversible")
DRIVER = Path(__file__).with_name("driver.py")
OnEvent = Callable[[Event], None]


class Stream(io.StringIO):
    """A stream that may be a terminal."""

    def __init__(self, text: str = "", *, tty: bool = False) -> None:
        super().__init__(text)
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


class Ran:
    """What a command left behind."""

    def __init__(self, arguments: Sequence[str], code: int, out: str, err: str) -> None:
        self.arguments, self.code, self.out, self.err = tuple(arguments), code, out, err

    @property
    def words(self) -> str:
        """Both streams, with every run of white space as one blank: a screen wraps."""
        return " ".join((self.out + " " + self.err).split())

    @property
    def json(self) -> dict[str, Any]:
        """The one envelope on stdout."""
        loaded = json.loads(self.out)
        assert isinstance(loaded, dict)
        assert loaded["exit_code"] == self.code, "the envelope tells another exit code than the process"
        return loaded

    @property
    def data(self) -> dict[str, Any]:
        found = self.json["data"]
        assert isinstance(found, dict), self.json["errors"]
        return found

    def fate(self, access: str) -> str:
        """What the report says of one access: the id, or its end."""
        fates = [str(o["fate"]) for o in self.data["outcomes"] if str(o["access"]["id"]).endswith(access)]
        assert len(fates) == 1, f"{access}: {fates} in {[o['access']['id'] for o in self.data['outcomes']]}"
        return fates[0]

    def __repr__(self) -> str:
        return f"exit {self.code} of {' '.join(self.arguments)}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Incident:
    """payments-bot has leaked. One sandbox, one clock, one state folder, and as many commands as it takes."""

    def __init__(self, aws: AwsSandbox, clock: MovableClock, folder: Path) -> None:
        self.aws = aws
        self.clock = clock
        self.folder = folder
        self.state = folder / "state"
        self.heard = Heard()
        self.seeded = aws.seed(str(folder))
        self.settings: dict[str, Any] = aws.settings()
        self.map = self.seeded.map
        self.protect: list[str] = []
        self.touchable = {BOT, WORKER}
        """Names of principals that the test means to be changed; every other one must end as it began."""
        self.tampered = False
        """The test itself damaged a journal."""
        self._when: list[tuple[str, Callable[[], None], int]] = []
        self._seen: dict[str, int] = {}
        self._listen()
        self.settled()

    # -- the world -------------------------------------------------------------------------------------------------

    def settled(self) -> None:
        """What stands now is where the incident begins: set-up ends here."""
        self.aws.world.settle()
        self.before = {a: self.aws.world.moto.snapshot(a) for a in (ACCOUNT, OTHER_ACCOUNT)}

    def now(self, account: str = ACCOUNT) -> Account:
        """As the account is recorded."""
        return self.aws.world.moto.snapshot(account)

    def key_states(self, user: str = BOT) -> dict[str, bool]:
        """Key id -> active."""
        return {k.id: k.active for k in self.now().keys.values() if k.user == user}

    def inline(self, name: str, role: bool = False) -> dict[str, Any]:
        """Inline policies of a user or role, by name."""
        iam = self.aws.admin("iam")
        word, ask = ("Role", "role") if role else ("User", "user")
        listed = getattr(iam, f"list_{ask}_policies")(**{f"{word}Name": name})["PolicyNames"]
        get = getattr(iam, f"get_{ask}_policy")
        return {n: get(**{f"{word}Name": name, "PolicyName": n})["PolicyDocument"] for n in listed}

    def secret(self, stage: str = "AWSCURRENT", name: str = "payments/aws") -> dict[str, str]:
        """What the workload would read. Empty where no version has the stage."""
        client = self.aws.admin("secretsmanager")
        try:
            got = client.get_secret_value(SecretId=name, VersionStage=stage)
        except client.exceptions.ResourceNotFoundException:
            return {}
        return {str(k): str(v) for k, v in json.loads(got["SecretString"]).items()}

    def works(self, key_id: str, secret: str) -> bool:
        """Whether a long-term key opens anything."""
        from nhi_revoke_aws.sandbox.clients import Held

        s3 = self.aws.client("s3", Held(key_id, secret))
        try:
            s3.list_buckets()
        except s3.exceptions.ClientError:
            return False
        return True

    def doors(self) -> dict[str, bool]:
        """By how each was obtained; several of one kind: whether any is open."""
        found: dict[str, bool] = {}
        for door in self.aws.doors():
            found[door.kind] = found.get(door.kind, False) or door.open()
        return found

    @property
    def leaked(self) -> str:
        """Id of the key that the intruder uses."""
        return next(k for k, active in self.before_keys().items() if active)

    @property
    def spare(self) -> str:
        """Id of the key that was switched off before."""
        return next(k for k, active in self.before_keys().items() if not active)

    def before_keys(self, user: str = BOT) -> dict[str, bool]:
        return {k.id: k.active for k in self.before[ACCOUNT].keys.values() if k.user == user}

    def bot(self, name: str, keys: int = 1, *, path: str = "/bots/") -> list[tuple[str, str]]:
        """One more user with active keys and no sessions; returns (id, secret) of each."""
        iam = self.aws.admin("iam")
        iam.create_user(UserName=name, Path=path)
        iam.put_user_policy(UserName=name, PolicyName="data", PolicyDocument=allow("s3:*"))
        made = [iam.create_access_key(UserName=name)["AccessKey"] for _ in range(keys)]
        self.touchable.add(name)
        self.settled()
        return [(str(k["AccessKeyId"]), str(k["SecretAccessKey"])) for k in made]

    def role(self, name: str, trust: str | dict[str, str], *, path: str = "/", account: str = ACCOUNT) -> str:
        """One more role; returns its ARN."""
        iam = self.aws.admin("iam", account)
        made = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust_of(trust))
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=allow("*"))
        self.touchable.add(name)
        self.settled()
        return str(made["Role"]["Arn"])

    @property
    def mutations(self) -> list[str]:
        """Changing calls of the operator that reached the vendor, in order."""
        return [c.name for c in self.aws.calls() if c.mutates and c.by == "operator"]

    # -- hooks -----------------------------------------------------------------------------------------------------

    def when(self, call: str, do: Callable[[], None], *, nth: int = 1) -> None:
        """Do this while the vendor handles that call of the operator for the nth time."""
        self._when.append((call, do, nth))

    def _listen(self) -> None:
        calls = self.aws.world.gate.calls
        good, lock = calls.add, threading.Lock()

        def add(call: Any) -> None:
            good(call)
            if call.by != "operator":
                return
            with lock:
                seen = self._seen[call.name] = self._seen.get(call.name, 0) + 1
                due = [w for w in self._when if w[0] == call.name and w[2] == seen]
                self._when = [w for w in self._when if w not in due]
            for _, do, _ in due:
                do()

        calls.add = add  # type: ignore[method-assign]  # for the life of this sandbox

    # -- commands --------------------------------------------------------------------------------------------------

    def config(self) -> Path:
        """Writes nhi.toml."""
        text = [f"protect = {toml.value(self.protect)}", self.map, toml.table("aws", self.settings)]
        text.append(toml.table("sandbox", {"control": self.aws.control}))
        path = self.folder / "nhi.toml"
        path.write_text("\n".join(text))
        return path

    def environ(self) -> dict[str, str]:
        return {"NHI_REVOKE_CONFIG": str(self.config()), "NHI_REVOKE_STATE": str(self.state), "COLUMNS": "400"}

    def __call__(
        self,
        *arguments: str,
        tty: bool = False,
        typed: str = "",
        on_event: OnEvent | None = None,
        before_append: BeforeAppend | None = None,
    ) -> Ran:
        """One command line in this process; `on_event` hears the engine's progress as it happens."""
        out, err = Stream(tty=False), Stream(tty=tty)

        def make(session: Session, tell: Tell) -> Engine:
            def told(event: Event) -> None:
                tell(event)
                self.heard.told(event)
                if on_event is not None:
                    on_event(event)

            clock = SandboxClock(self.clock)
            return Engine(session.registry, session.config, told, clock=clock, before_append=before_append)

        streams = Streams(Stream(typed, tty=tty), out, err, self.environ())
        plugins = [Loaded("aws", aws_provider), Loaded("local", local_provider)]
        session = Session(streams, arguments, self.folder, make_engine=make, make_registry=lambda _: Registry(plugins))
        return self._ran(Ran(arguments, run(session), out.getvalue(), err.getvalue()))

    def _ran(self, ran: Ran) -> Ran:
        self.heard.words += [("stdout", ran.out), ("stderr", ran.err)]
        assert "Traceback (most recent call last)" not in ran.out + ran.err, ran
        assert "this is a bug" not in ran.out + ran.err, ran
        assert "(a bug: report it)" not in ran.out + ran.err, ran
        return ran

    def start(self, *arguments: str, die_at: int | None = None, **more: Any) -> subprocess.Popen[str]:
        """The same as a process of its own; `die_at`: it kills itself with signal 9 before that journal line."""
        environ = {**os.environ, **self.environ()}
        program = ["-m", "nhi_revoke"] if die_at is None else [str(DRIVER), str(die_at)]
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [sys.executable, *program, *arguments], env=environ, cwd=self.folder, text=True, **{**streams, **more}
        )

    def end(self, process: subprocess.Popen[str]) -> Ran:
        """Waits for it."""
        out, err = process.communicate(timeout=60)
        assert isinstance(process.args, list)
        return self._ran(Ran(process.args[2:], process.returncode, out or "", err or ""))

    def process(self, *arguments: str, die_at: int | None = None) -> Ran:
        return self.end(self.start(*arguments, die_at=die_at))

    # -- journals --------------------------------------------------------------------------------------------------

    def runs(self) -> tuple[str, ...]:
        return RunFolder(self.state / "runs").runs()

    def journal(self, run_id: str = "") -> Path:
        return self.state / "runs" / f"{run_id or self.runs()[-1]}.jsonl"

    def lines(self, run_id: str = "") -> tuple[Line, ...]:
        """Raises Refused where the chain does not hold."""
        return Journal.open(RunFolder(self.state / "runs"), run_id or self.runs()[-1]).lines

    # -- what must hold after every test ---------------------------------------------------------------------------

    def check(self) -> None:
        """No secret anywhere, every journal whole, and nobody changed but those that the test named."""
        self.heard.files(self.folder / "state")
        kept = [p for p in self.folder.iterdir() if p.is_file() and p.suffix in (".json", ".md", ".jsonl")]
        self.heard.words += [(p.name, p.read_text()) for p in kept]
        leaks = {w for canary in self.aws.canaries() for w in self.heard.holding(canary)}
        assert not leaks, f"a secret is in: {', '.join(sorted(leaks))}"
        if not self.tampered:
            for each in self.runs():
                assert self.lines(each)
        for account, was in self.before.items():
            now = self.now(account)
            assert self._others(now) == self._others(was), f"somebody else was changed in account {account}"

    def _others(self, account: Account) -> dict[str, object]:
        mine = self.touchable
        people: dict[str, object] = {
            p.arn: p for p in chain[User | Role](account.users.values(), account.roles.values()) if p.name not in mine
        }
        keys = {k.id: k for k in account.keys.values() if k.user not in self.touchable}
        return {**people, **keys}


def whole(incident: Incident) -> None:
    """With the ledger's role in the map nothing is left elsewhere."""
    incident.touchable.add(LEDGER)
    incident.map = incident.map.replace(f'{WORKER}"]', f'{WORKER}", "{LEDGER_REF}"]')


@cache
def shared_loader() -> Any:
    """Of botocore."""
    from botocore.loaders import Loader

    return Loader()


@pytest.fixture
def incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Incident]:
    """Lag as at AWS: writes are obeyed after 4 seconds, logs show events after 5 minutes."""
    for name in [n for n in os.environ if n.startswith(("AWS_", "NHI_REVOKE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    # The vendor's service models take 0.3 s to read: once is enough for all commands of a test process.
    monkeypatch.setattr("botocore.session.create_loader", lambda _: shared_loader())
    clock = MovableClock(START)
    aws = AwsSandbox(entropy=7, planted=())
    aws.start(clock)
    try:
        made = Incident(aws, clock, tmp_path)
        yield made
        made.check()
    finally:
        aws.close()
