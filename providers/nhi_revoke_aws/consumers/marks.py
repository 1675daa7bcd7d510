"""What tells a user or role wherever a configuration holds it. Pure.

A user's keys by their ids, its service credentials by their user names, its SSH keys by theirs; a role has none, and
whoever assumes it holds its ARN. A name alone is no mark: it is not unique beyond the account.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nhi_revoke.model.consumer import Mark
from nhi_revoke.model.found import Access
from nhi_revoke.model.identity import Principal
from nhi_revoke_aws.access import access_key, service_credential, ssh_key
from nhi_revoke_aws.naming import ROLE, USER

SERVICE_USER = re.compile(r"(?<!\S)\S+-at-\d{12}(?!\S)")
"""AWS docs: id_credentials_service-specific-creds: the user name that goes with the password."""


def marks(who: Principal, accesses: Sequence[Access]) -> Iterable[Mark]:
    """Disabled ones, too: what holds one of these is a consumer that does not work any more."""
    for access in accesses:
        if access.kind == access_key.KIND:
            yield Mark(access_key.key_of(access.id), who.ref, access.id, access_key.KIND, "AccessKeyId")
        elif access.kind == service_credential.KIND and (user := SERVICE_USER.search(access.label)):
            yield Mark(user[0], who.ref, access.id, service_credential.KIND)
        elif access.kind == ssh_key.KIND:
            yield Mark(access.id.rpartition("/")[2], who.ref, access.id)
    if who.kind in (USER, ROLE):
        yield Mark(who.ref.id, who.ref)
