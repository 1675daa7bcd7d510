"""The operator as whoever is logged in to the Azure CLI: `az` itself is asked for each token, and nothing of its files.

Microsoft docs: `az account get-access-token` (`accessToken`, `expires_on` in seconds since 1970). Its app is
Microsoft's own, with a fixed set of permissions at Graph (Azure/azure-cli#22775): more are to be had by another app.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from nhi_revoke.provider.command import started
from nhi_revoke.provider.fault import Fault, Unauthenticated, Unavailable
from nhi_revoke_entra.holder import holder_of
from nhi_revoke_entra.tokens import AADSTS, Granted, Refused, fault_of

SECONDS = 60.0
"""Until `az` is given up: it starts slowly, and asks the token service."""
AGAIN = timedelta(minutes=1)
"""For so long a failure holds for whoever asks next: else each listing would start it anew."""
FIXED = "by an app of your own: what az's may do is fixed, and your roles bound it"
"""Beside a permission that was refused."""
ELSEWHERE = ("AADSTS50020", "AADSTS90072")
"""The user is of another tenant (Microsoft docs: reference-error-codes)."""


class Answer(msgspec.Struct):
    """What `az account get-access-token` prints, as far as it is read."""

    access_token: str = msgspec.field(name="accessToken")
    expires_on: int | None = None

    def __repr__(self) -> str:
        return "Answer(…)"


class Az:
    """A way to sign in. Thread-safe."""

    def __init__(self, tenant: str, environ: Mapping[str, str], now: Callable[[], datetime]) -> None:
        """`environ`: the whole environment that `az` gets. `now`: the vendor's clock."""
        self._tenant, self._environ, self._now = tenant, environ, now
        self._lock = threading.Lock()
        self._failed: tuple[datetime, Fault] | None = None

    def token(self, resource: str, needs: str) -> Granted:
        """Raises Unauthenticated, Missing, Unavailable."""
        with self._lock:
            if self._failed is not None and self._now() - self._failed[0] < AGAIN:
                raise self._failed[1]
            try:
                return self._asked(resource, needs)
            except Fault as fault:
                self._failed = (self._now(), fault)
                raise

    def _asked(self, resource: str, needs: str) -> Granted:
        import shutil  # 10 ms and more, which only who signs in this way has to pay

        program = shutil.which("az", path=self._environ.get("PATH", ""))
        if program is None:
            raise Unauthenticated(
                "there is no az here to sign in to Entra with: nothing of it was looked at",
                hint=f"Install the Azure CLI and run  {self._login}  or name another sign_in in [entra] of nhi.toml.",
            )
        code, out, errors = _run(
            (program, "account", "get-access-token", "--resource", resource, "--tenant", self._tenant, "-o", "json"),
            self._environ,
        )
        if code != 0:
            raise self._refused(code, (errors + out).decode(errors="replace"), needs)
        return self._read(out)

    def _read(self, out: bytes) -> Granted:
        try:
            told = msgspec.json.decode(out, type=Answer, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError):
            told = None
        if told is not None and told.access_token:
            holder = holder_of(told.access_token)
            claimed = holder.until if holder is not None else None
            until = datetime.fromtimestamp(told.expires_on, UTC) if told.expires_on else claimed
            if until is not None:
                return Granted(told.access_token, until)
        # Outside the handler, and without a word of it: it may hold the token.
        raise Unauthenticated(
            "what az printed is no token with its end: nothing of Entra was looked at",
            hint="Update the Azure CLI (az upgrade), or name another sign_in in [entra] of nhi.toml.",
        )

    def _refused(self, exit_code: int, said: str, needs: str) -> Fault:
        """By the codes in what it printed; nothing else of that is shown."""
        found = AADSTS.search(said)
        code = found.group() if found else ""
        if code == "AADSTS90002":
            return fault_of(Refused("invalid_request", code), needs)
        if code in ELSEWHERE:
            return Unauthenticated(
                f"whoever is logged in to az is nobody in tenant {self._tenant} ({code}): nothing was looked at",
                code=code,
                hint=f"{self._login}  with a user of that tenant; or correct tenant_id in [entra] of nhi.toml.",
            )
        if code or "az login" in said:
            return Unauthenticated(
                f"az is not logged in to tenant {self._tenant}{f' ({code})' if code else ''}: nothing was looked at",
                code=code,
                hint=f"{self._login}  then this command again.",
            )
        return Unauthenticated(
            f"az gave no token (it ended with exit code {exit_code}): nothing of Entra was looked at",
            hint=f"Run  az account get-access-token --tenant {self._tenant} -o none  to read why.",
        )

    @property
    def _login(self) -> str:
        return f"az login --tenant {self._tenant}"


def _run(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """Exit code, stdout, stderr: in memory alone. Raises Unavailable."""
    import subprocess

    why = ""
    try:
        with started(argv, out=subprocess.PIPE, errors=subprocess.PIPE, environ=environ) as command:
            out, errors = command.communicate(timeout=SECONDS)
            return command.returncode, out, errors
    except subprocess.TimeoutExpired:
        why = f"did not answer in {SECONDS:g} s and was ended"
    except OSError as error:
        why = f"did not start ({type(error).__name__})"
    # Outside the handler: the library's exception holds what was printed.
    raise Unavailable(f"az {why}: nothing of Entra was looked at")
