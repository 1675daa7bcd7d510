"""The operator as an app: with a secret, a certificate, or another issuer's token.

Variables as the Azure SDKs read them: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET,
AZURE_CLIENT_CERTIFICATE_PATH, AZURE_CLIENT_CERTIFICATE_PASSWORD, AZURE_FEDERATED_TOKEN_FILE.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke_entra.naming import GUID
from nhi_revoke_entra.pem import credential_of
from nhi_revoke_entra.settings import EntraSettings
from nhi_revoke_entra.tokens import TENANT, Granted, Refused, TokenService, fault_of

HOW = (
    "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH), or tenant_id, "
    "client_id and client_secret_file (or certificate_file) in [entra] of nhi.toml; or sign_in there: "
    '"managed-identity", "az" or "device-code".'
)


class Operator(Struct, frozen=True):
    """Who signs in, and with what; the credential is never shown."""

    client_id: str
    credential: Any
    """As msal takes it."""

    def __repr__(self) -> str:
        return f"Operator({self.client_id})"


def operator_of(settings: EntraSettings, environ: Mapping[str, str]) -> Operator:
    """By what the settings name, else by the variables. Reads a file at most. Raises Unauthenticated."""
    return Operator(app_of(settings, environ, "the operator's app"), _credential(settings, environ))


def app_of(settings: EntraSettings, environ: Mapping[str, str], what: str) -> str:
    """The appId that the settings, else the variables name. `what` it is, in words. Raises Unauthenticated."""
    client_id = (settings.client_id or environ.get("AZURE_CLIENT_ID", "")).strip()
    if not GUID.fullmatch(client_id):
        why = "is no appId" if client_id else "is not named"
        raise Unauthenticated(f"{what} {why}: nothing of Entra was looked at", hint=HOW)
    return client_id.lower()


def tenant_meant(settings: EntraSettings, environ: Mapping[str, str]) -> str:
    """Raises Unauthenticated where none is named: whatever somebody is signed in to may be another one."""
    if tenant := tenant_of(settings, environ):
        return tenant
    raise Unauthenticated("no tenant of Entra is named: nothing of it was looked at", hint=HOW)


def tenant_of(settings: EntraSettings, environ: Mapping[str, str]) -> str:
    """Empty where none is named. Raises Unauthenticated for what is no tenant's id or domain."""
    tenant = (settings.tenant_id or environ.get("AZURE_TENANT_ID", "")).strip().lower()
    if tenant and not TENANT.fullmatch(tenant):
        raise Unauthenticated("the tenant is neither an id nor a domain: nothing of Entra was looked at", hint=HOW)
    if tenant in ("common", "organizations", "consumers"):
        raise Unauthenticated(f"{tenant} is no tenant of its own: nothing of Entra was looked at", hint=HOW)
    return tenant


def _credential(settings: EntraSettings, environ: Mapping[str, str]) -> Any:
    """What the settings name goes before the variables; a certificate before a secret, a secret before a token."""
    named = (settings.certificate_file, settings.client_secret_file, settings.federated_token_file)
    if any(named):
        certificate, secret_file, token_file = named
        secret = _read(secret_file, "client_secret_file in [entra] of nhi.toml") if secret_file else ""
    else:
        certificate = environ.get("AZURE_CLIENT_CERTIFICATE_PATH", "")
        secret, token_file = environ.get("AZURE_CLIENT_SECRET", ""), environ.get("AZURE_FEDERATED_TOKEN_FILE", "")
    if certificate:
        return _certificate(_read(certificate, "certificate_file, or AZURE_CLIENT_CERTIFICATE_PATH,"), environ)
    if secret.strip():
        return secret.strip()
    if token_file:
        # Read anew for each token: whoever issues it replaces it in the file.
        return {"client_assertion": lambda: _read(token_file, "federated_token_file").strip()}
    raise Unauthenticated("the operator has no credentials for Entra: nothing of it was looked at", hint=HOW)


def _certificate(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    made = credential_of(text)
    if made is None:
        raise Unauthenticated(
            "the operator's certificate file holds no certificate with its private key in PEM: nothing was looked at",
            hint="openssl pkcs12 -in FILE.pfx -out FILE.pem -nodes  makes one of a .pfx file.",
        )
    password = environ.get("AZURE_CLIENT_CERTIFICATE_PASSWORD", "")
    return {**made, "passphrase": password} if password else made


def _read(path: str, named_by: str) -> str:
    """The text of a file. What should be its path is never shown: it may be the secret itself."""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, ValueError, RuntimeError) as error:
        why = type(error).__name__
    raise Unauthenticated(
        f"the file that {named_by} names cannot be read ({why}): nothing of Entra was looked at",
        hint="Check that it is the path of a file that you may read.",
    )


class ClientCredentials:
    """A way to sign in. Thread-safe."""

    def __init__(self, operator: Operator, service: TokenService) -> None:
        self._operator, self._service = operator, service

    def token(self, resource: str, needs: str) -> Granted:
        """Raises Unauthenticated and what a request raises."""
        operator = self._operator
        said = self._service.granted(operator.client_id, operator.credential, f"{resource}/.default")
        if isinstance(said, Refused):
            raise fault_of(said, needs)
        return said
