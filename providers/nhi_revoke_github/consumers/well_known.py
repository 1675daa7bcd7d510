"""Names that credentials of other clouds have in workflows everywhere: so that a name alone tells nothing. Pure.

From the documentation of what reads them: the AWS CLI (environment variables), azure/login, Terraform's azurerm
(ARM_…), google-github-actions/auth and google-auth, Okta's SDKs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Part = Literal["id", "secret", "document"]
"""What it holds: the public id, the secret part, or all of it in one text."""


class Known(Struct, frozen=True):
    """What such a name stands for."""

    provider: str
    part: Part
    ours: bool = True
    """False: a document of another shape than a store of this product writes."""


NAMES: Mapping[str, Known] = {
    "AWS_ACCESS_KEY_ID": Known("aws", "id"),
    "AWS_SECRET_ACCESS_KEY": Known("aws", "secret"),
    "AZURE_CLIENT_ID": Known("entra", "id"),
    "AZURE_CLIENT_SECRET": Known("entra", "secret"),
    "AZURE_CREDENTIALS": Known("entra", "document", ours=False),
    "ARM_CLIENT_ID": Known("entra", "id"),
    "ARM_CLIENT_SECRET": Known("entra", "secret"),
    "GOOGLE_APPLICATION_CREDENTIALS": Known("gcp", "document"),
    "GOOGLE_CREDENTIALS": Known("gcp", "document"),
    "GCP_CREDENTIALS": Known("gcp", "document"),
    "GCP_SA_KEY": Known("gcp", "document"),
    "OKTA_CLIENT_CLIENTID": Known("okta", "id"),
    "OKTA_CLIENT_PRIVATEKEY": Known("okta", "secret"),
    "OKTA_CLIENT_SECRET": Known("okta", "secret"),
}


def known(name: str) -> Known | None:
    """Names in GitHub are told apart without their case."""
    return NAMES.get(name.upper())
