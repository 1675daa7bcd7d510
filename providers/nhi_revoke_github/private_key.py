"""Secrets in files and variables, and an App's private key. What they hold enters no message and no exception.

GitHub docs: managing-private-keys-for-github-apps (RSA, PEM; the fingerprint is SHA-256 of the public key in DER).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke_github.settings import GithubSettings

CHECK = "Check [github] of nhi.toml."
A_TOKEN = re.compile(r"[\x21-\x7e]{1,2000}")
"""What can stand in a header."""


def read_secret(path: str, named_by: str) -> str:
    """The text of a file, without the blanks around it. Raises Unauthenticated.

    `named_by`: the setting. What should be a path is never shown: it may be the secret itself.
    """
    try:
        return Path(path).expanduser().read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError, RuntimeError) as error:
        why = type(error).__name__
    raise Unauthenticated(f"the file that {named_by} of GitHub names cannot be read ({why})", hint=CHECK)


def read_key(path: str, named_by: str) -> Any:
    """An RSA private key (`cryptography`). Raises Unauthenticated for a file that cannot be read, or holds none."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    text = read_secret(path, named_by)
    key: Any
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except Exception:  # noqa: BLE001 - whatever a library says of a key may quote it
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise Unauthenticated(
            f"the file that {named_by} of GitHub names holds no private key of a GitHub App (RSA, PEM, unencrypted)",
            hint=CHECK,
        )
    return key


def fingerprint(key: Any) -> str:
    """As GitHub shows it beside the key: of the public half, so it is no secret."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "SHA256:" + base64.b64encode(hashlib.sha256(public).digest()).decode()


def token_of(settings: GithubSettings, environ: Mapping[str, str], url: str) -> str:
    """The operator's token, for the API at `url`. Raises Unauthenticated where there is none.

    As `gh` does (cli.github.com/manual/gh_help_environment): GH_TOKEN is for github.com and ghe.com alone, so that
    no server is ever sent it.
    """
    host = (urlsplit(url).hostname or "").lower()
    githubs = host == "api.github.com" or host.endswith(".ghe.com")
    names = ("GH_TOKEN", "GITHUB_TOKEN") if githubs else ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
    named_by = "token_file" if settings.token_file else next((n for n in names if environ.get(n, "").strip()), "")
    if settings.token_file:
        token = read_secret(settings.token_file, named_by)
    else:
        token = environ[named_by].strip() if named_by else ""
    if not token:
        raise Unauthenticated(
            "the operator has no GitHub credentials: nothing of GitHub was looked at",
            hint=f"{names[0]}, or token_file, or app_id and private_key_file, in [github] of nhi.toml.",
        )
    if not A_TOKEN.fullmatch(token):
        raise Unauthenticated(
            f"what {named_by} holds is no GitHub token: it holds characters that none has. It was not sent",
            hint=CHECK,
        )
    return token
