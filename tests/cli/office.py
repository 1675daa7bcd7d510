"""A place where more than one person must agree: three people with keys, and an nhi.toml with `[approval]`."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .conftest import Cli, Ran

ALICE, BOB, EVE = "alice@example.com", "bob@example.com", "eve"
BOT = "example:bot/ledger-bot"
PLAN = ("plan", BOT, "--rotate", "no", "--save", "p.json", "--overwrite")
GLASS = ("--break-glass", "the intruder is deleting backups")


def public(keys: Path, name: str) -> str:
    return " ".join((keys / f"{name}.pub").read_text().split()[:2])


class Office:
    """A command line whose nhi.toml has `[approval]`."""

    def __init__(self, cli: Cli, keys: Path) -> None:
        self.cli, self.keys, self.folder = cli, keys, cli.world.folder
        self.allow(f"{ALICE} {public(keys, ALICE)}", f"{BOB} {public(keys, BOB)}")
        self.rules = 'allowed_signers = "approvers"'

    def allow(self, *lines: str) -> None:
        (self.folder / "approvers").write_text("\n".join(lines) + "\n")

    def __call__(self, *words: str, tty: bool = False, typed: str = "", plain: bool = True) -> Ran:
        self.cli.world.config()
        text = (self.folder / "nhi.toml").read_text() + f"\n[approval]\n{self.rules}\n"
        (self.folder / "approval.toml").write_text(text)
        environ = {"NHI_REVOKE_CONFIG": str(self.folder / "approval.toml"), "COLUMNS": "400"}
        environ |= {"NO_COLOR": "1"} if plain else {}
        return self.cli(*words, tty=tty, typed=typed, environ=environ)

    def sign(self, name: str, *, tty: bool = True, typed: str = "y\n") -> Ran:
        return self("approve", "p.json", "--key", str(self.keys / name), tty=tty, typed=typed)

    def by_hand(self, name: str, message: bytes, namespace: str = "nhi-revoke-plan") -> None:
        """A signature file that no `approve` made."""
        words = ["ssh-keygen", "-Y", "sign", "-n", namespace, "-f", str(self.keys / name)]
        done = subprocess.run(words, input=message, capture_output=True, check=True)
        (self.folder / "p.json.sig").write_bytes(done.stdout)

    @property
    def signatures(self) -> list[str]:
        return sorted(each.name for each in self.folder.glob("*.sig"))

    @property
    def journals(self) -> list[str]:
        return [each.read_text() for each in sorted((self.cli.world.state / "runs").glob("*.jsonl"))]


def made_keys(folder: Path) -> Path:
    """A key each."""
    for name in (ALICE, BOB, EVE):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return folder
