"""A new key whose private half never leaves this process but for its store: Google gets its certificate alone.

facts gcp.md 4 and 7 (14, 16); Google Cloud docs: iam/docs/keys-upload, keys.upload: RSA in an X.509 v3 certificate with
a generic subject, since anybody may read it; it ends when the certificate does. The permission is that of a create:
roles/iam.serviceAccountKeyAdmin, which the documentation asks for, has no other for it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from nhi_revoke.model.change import Change, Done
from nhi_revoke.model.ref import AccessId
from nhi_revoke.model.step import Step
from nhi_revoke.provider.certificate import new_pair
from nhi_revoke.provider.fault import NoAnswer, Rejected, Throttled
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from nhi_revoke.provider.times import stamp
from nhi_revoke_gcp.access.key_file import Holder, public_fields
from nhi_revoke_gcp.access.key_mint import FIELD, Create
from nhi_revoke_gcp.access.keys import access_id
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.permissions import CREATE_KEY, DELETE_KEY, LIST_KEYS

LASTS = timedelta(days=365)
"""Until it expires: what the documentation's own example has."""
EARLIER = timedelta(minutes=1)
"""It is valid from before now on: clocks differ."""
BITS = 2048
SUBJECT = "unused"
"""Of the certificate: nothing that tells anybody anything."""


class Upload(Create):
    """Not repeated: what a lost answer left behind is found by difference and deleted."""

    permissions: ClassVar[tuple[str, ...]] = (CREATE_KEY, DELETE_KEY, LIST_KEYS)
    says: ClassVar[str] = "makes a new key here, and uploads its certificate alone"
    source: ClassVar[str] = "Google Cloud docs: iam/docs/keys-upload, keys.upload"
    verb: ClassVar[str] = "upload"
    origin: ClassVar[str] = "USER_PROVIDED"

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        now = conn.now().replace(microsecond=0)
        pair = new_pair(SUBJECT, now - EARLIER, now + LASTS, BITS)
        asked = {"name": str(step.before["resource"]), "public_key_data": pair.public.encode()}
        try:
            new = conn.iam.send("upload_service_account_key", asked, CREATE_KEY, again=False)
        except (Rejected, Throttled) as refused:
            if (why := self._impossible(conn, step, refused)) is not None:
                return why
            raise
        key = str(new.name).rpartition("/")[2]
        if not key:
            raise NoAnswer("Google took a certificate and did not name its key")
        email = str(step.before["email"])
        holder = Holder(email, str(step.before["unique_id"]), str(step.before["project"]))
        public = public_fields(holder, key, conn.token_uri, conn.universe)
        run.give(step.id, Secret(pair.private, field=FIELD, public=public))
        identity: AccessId = access_id(email, key)
        return Done({"id": identity, "field": FIELD, "public": public, "expires": stamp(now + LASTS)}, conn.now())
