"""Whether jobs of a repository read what lies at an address of GitHub's secrets. Pure.

GitHub docs: using secrets in GitHub Actions (an organisation's secret is read by the repositories that its visibility
names, which the list of a repository's organisation secrets tells).
"""

from __future__ import annotations

from collections.abc import Sequence

from nhi_revoke.model.found import Access, BlindSpot, Found
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke_github.access.actions_secret import KIND, ORG_SHELF
from nhi_revoke_github.store.sealing import parse_address


def read_by(address: str, repository: PrincipalRef, found: Sequence[Found]) -> bool | None:
    """`found`: what was found in the repository, nothing where it could not be looked at. None: the address is the
    organisation's, and whom its secret serves could not be seen.

    Names in GitHub are told apart without their case.
    """
    place = parse_address(address)
    if place is None:
        return False
    if not place.org:
        return place.repository.lower() == repository.id.lower()
    if place.owner.lower() != repository.id.partition("/")[0].lower():
        return False
    shared = (f for f in found if isinstance(f, Access) and f.kind == KIND and f.id.split("/")[3] == ORG_SHELF)
    if any(secret.door.upper() == place.name.upper() for secret in shared):
        return True
    unread = not found or any(isinstance(f, BlindSpot) and f.kind == KIND for f in found)
    return None if unread else False
