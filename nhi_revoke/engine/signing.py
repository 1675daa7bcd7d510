"""OpenSSH signatures, as `ssh-keygen -Y` makes and checks them (ssh-keygen(1); PROTOCOL.sshsig in its sources).

No key and no passphrase passes through this process: ssh-keygen asks on the terminal itself, or an agent signs.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from nhi_revoke.model.error import Refused, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from subprocess import CompletedProcess

NAMESPACE = "nhi-revoke-plan"
"""A signature made for anything else (a commit, a file) is none of a plan."""
CHECK_SECONDS = 30.0
_KEY = re.compile(r"SHA256:[A-Za-z0-9+/=]+")


class SshKeygen:
    """The program of this machine."""

    def __init__(self, program: str) -> None:
        self._program = program

    @classmethod
    def found(cls) -> SshKeygen:
        """Raises Refused where it is not installed."""
        program = shutil.which("ssh-keygen")
        if program is None:
            raise Refused(
                "no-ssh-keygen",
                "ssh-keygen is not on the PATH, and approvals are OpenSSH signatures: none can be made or checked. "
                "Nothing was changed.",
                "Install OpenSSH's client programs (package openssh-client, openssh-clients or openssh).",
            )
        return cls(program)

    def sign(self, message: bytes, key: Path, *, asks: bool) -> bytes:
        """The armored signature. `asks`: a passphrase, PIN or touch may be asked for on the terminal.

        Raises Refused where it was not signed.
        """
        done = self._run(("-q", "-Y", "sign", "-n", NAMESPACE, "-f", str(key)), message, asks=asks)
        if done.returncode or not done.stdout:
            said = _last(done.stderr) or "ssh-keygen said why, above"
            raise Refused(
                "not-signed",
                f"{key} did not sign: {said}. Nothing was written.",
                "Name the private key, or the .pub file of one that your agent holds: --key FILE",
            )
        return bytes(done.stdout)

    def fingerprint(self, message: bytes, signature: Path) -> str:
        """Of the key that signed this message; empty where the signature is of something else."""
        done = self._run(("-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(signature)), message)
        return _fingerprint(done.stdout) if not done.returncode else ""

    def principal(self, signature: Path, allowed: Path) -> tuple[str, str]:
        """Whom the allowed signers name for its key now, or an empty text; and what ssh-keygen said."""
        done = self._run(("-Y", "find-principals", "-s", str(signature), "-f", str(allowed)), b"")
        lines = done.stdout.decode(errors="replace").splitlines()
        return (lines[0].strip() if lines and not done.returncode else ""), _first(done.stderr)

    def verify(self, message: bytes, signature: Path, allowed: Path, principal: str) -> tuple[str, str]:
        """The key's fingerprint where this principal signed this message, or an empty text; and what was said."""
        words = ("-Y", "verify", "-n", NAMESPACE, "-I", principal, "-s", str(signature), "-f", str(allowed))
        done = self._run(words, message)
        return (_fingerprint(done.stdout) if not done.returncode else ""), _first(done.stderr)

    def _run(self, words: Sequence[str], message: bytes, *, asks: bool | None = None) -> CompletedProcess[bytes]:
        """Without a terminal of its own, it fails where it would ask. `asks` None: it never would."""
        import subprocess

        try:
            return subprocess.run(  # noqa: S603 - no shell; paths and names are words of their own
                [self._program, *words],
                input=message,
                stdout=subprocess.PIPE,
                stderr=None if asks else subprocess.PIPE,
                check=False,
                timeout=CHECK_SECONDS if asks is None else None,
                start_new_session=not asks,
            )
        except (OSError, subprocess.TimeoutExpired) as wrong:
            raise Refused(
                "no-ssh-keygen", f"{self._program} could not be run: {type(wrong).__name__}. Nothing was changed."
            ) from None


def agent_keys() -> tuple[str, ...]:
    """Public keys, a line each, that the agent of this session holds; none without one."""
    import subprocess

    program = shutil.which("ssh-add")
    if program is None or not os.environ.get("SSH_AUTH_SOCK"):
        return ()
    try:
        done = subprocess.run(  # noqa: S603 - no shell and no words of others
            [program, "-L"], capture_output=True, check=False, timeout=CHECK_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(done.stdout.decode(errors="replace").splitlines()) if not done.returncode else ()


def agent_key(keys: Sequence[str], allowed: Path | None) -> str:
    """The one key to sign with: the only one, or the only one that the allowed signers name. Raises Usage."""
    known = allowed.read_text(errors="replace") if allowed is not None and allowed.is_file() else ""
    named = [key for key in keys if " ".join(key.split()[:2]) in known]
    fitting = named or list(keys)
    if len(fitting) == 1:
        return fitting[0]
    many = f"the agent holds {len(fitting)} keys that fit" if fitting else "no agent holds a key"
    raise Usage(
        "no-signing-key",
        f"which key to sign with is not said, and {many}. Nothing was signed.",
        'Name it: --key FILE, or key = "FILE" under [approval] in nhi.toml.',
    )


def _fingerprint(said: bytes) -> str:
    found = _KEY.search(said.decode(errors="replace"))
    return found.group() if found else ""


def _first(said: bytes | None) -> str:
    lines = [line.strip() for line in (said or b"").decode(errors="replace").splitlines() if line.strip()]
    return lines[0] if lines else ""


def _last(said: bytes | None) -> str:
    lines = [line.strip() for line in (said or b"").decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else ""
