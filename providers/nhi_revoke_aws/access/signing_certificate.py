"""X.509 signing certificates of a user: they sign requests as an access key does. AWS docs:
API_ListSigningCertificates.
"""

from __future__ import annotations

from typing import ClassVar

from nhi_revoke.model.found import Family
from nhi_revoke_aws.access import status_credential as status

KIND = "aws:signing-certificate"
API = status.Api(
    KIND, "signing certificate", "SigningCertificates", "SigningCertificate", "Certificates", "CertificateId"
)  # fmt: skip
SURVIVES = "what was signed with it before"


class Disable(status.Disable):
    """No request that an Inactive certificate signs is taken."""

    api: ClassVar[status.Api] = API
    permissions: ClassVar[tuple[str, ...]] = API.sets
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = "AWS docs: API_UpdateSigningCertificate"


class Delete(status.Delete):
    """The certificate alone: the private key is where it was made."""

    api: ClassVar[status.Api] = API
    permissions: ClassVar[tuple[str, ...]] = API.deletes
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = "AWS docs: API_DeleteSigningCertificate"


class SigningCertificates(status.StatusCredentials):
    """Up to two. The list gives their bodies: they are kept nowhere."""

    api: ClassVar[status.Api] = API
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "signing certificates"
    family: ClassVar[Family] = "certificate"
    reads: ClassVar[tuple[str, ...]] = (API.reads,)
    remedies = (Disable(), Delete())
    survives: ClassVar[str] = SURVIVES
    breaks: ClassVar[str] = "whatever signs with this certificate"
