"""`report -o caep --sign-with`: the claims as signed security event tokens, for whoever pushes them by other means.

RFC 8417; CAEP interoperability profile: RS256 with at least 2048 bits, one event a token, subjects as iss_sub (facts
standards.md D8).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nhi_revoke.model.error import NothingCanStart, Usage

if TYPE_CHECKING:
    from nhi_revoke.cli.session import Session
    from nhi_revoke.model.report import Report

LEAST_BITS = 2048
MOST_BYTES = 65536
"""Of a key's file."""


@dataclass(frozen=True)
class SigningOptions:
    """Who signs, and for whom. All of them, or none."""

    sign_with: Annotated[
        str | None,
        typer.Option("--sign-with", metavar="FILE", help="-o caep: signed tokens, one a line, by this RSA key (PEM)."),
    ] = None
    issuer: Annotated[str | None, typer.Option("--issuer", metavar="URL", help="iss of those tokens.")] = None
    audience: Annotated[str | None, typer.Option("--audience", metavar="URL", help="aud of those tokens.")] = None
    key_id: Annotated[
        str | None, typer.Option("--key-id", metavar="KID", help="kid of that key, as the receiver knows it.")
    ] = None


def check_signing(options: SigningOptions, output: str) -> bool:
    """Whether tokens are to be signed. Raises Usage for half of what that needs, and for another output."""
    given = {each.name: getattr(options, each.name) for each in fields(options)}
    missing = [name for name, value in given.items() if not value]
    if len(missing) == len(given):
        return False
    if output != "caep":
        raise Usage("usage", "--sign-with signs events: it goes with -o caep alone. Nothing was done.")
    if missing:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise Usage("usage", f"signed events need {names}, too. Nothing was done.", "nhi-revoke report --help")
    return True


def signed_events(session: Session, options: SigningOptions, report: Report, now: datetime) -> str:
    """Compact tokens, one a line; empty where nothing is proven that an event could claim. Raises Usage for a key that
    does not fit, NothingCanStart without the library.
    """
    try:
        import jwt
    except ImportError:
        why = "signed events need a library that is not installed. Nothing was done."
        raise NothingCanStart("not-installed", why, "pip install 'nhi-revoke[caep]'") from None

    from nhi_revoke.render.block import Span, line
    from nhi_revoke.render.caep import HEADER_TYPE, claims, not_claimed

    key = _key(session.cwd / str(options.sign_with))
    headers = {"typ": HEADER_TYPE, "kid": options.key_id}
    if session.verbosity >= 0:
        left = [
            line(Span("NOT CLAIMED", "warning"), f"  {x['on']}  {x['event']}: {x['why']}") for x in not_claimed(report)
        ]
        session.streams.show(left, session.streams.err)
    addressed = ({**each, **_addressed(options, each)} for each in claims(report, now))
    return "".join(f"{jwt.encode(each, key, algorithm='RS256', headers=headers)}\n" for each in addressed)


def _addressed(options: SigningOptions, each: dict[str, Any]) -> dict[str, Any]:
    subject = {"format": "iss_sub", "iss": options.issuer, "sub": each["sub_id"]["id"]}
    return {"iss": options.issuer, "aud": options.audience, "sub_id": subject}


def _key(path: Path) -> Any:
    """Raises Usage; nothing of the file is told."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key: Any = None
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES)
    except OSError as wrong:
        why = f"the file of --sign-with cannot be read: {wrong.strerror}. Nothing was done."
        raise Usage("bad-key", why, "It takes the path of a private key, never the key itself.") from None
    try:
        key = load_pem_private_key(content, password=None)
    except Exception:  # noqa: BLE001 - whatever a library says of a key may quote it
        key = None
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_BITS:
        why = f"--sign-with names no private key that fits: RSA of {LEAST_BITS} bits or more, PEM, unencrypted."
        raise Usage("bad-key", f"{why} Nothing was done.")
    return key
