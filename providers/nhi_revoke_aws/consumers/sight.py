"""What is looked for, as one account sees it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from nhi_revoke.model.consumer import Mark, Sought
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.evidence import called_like, marks_in
from nhi_revoke_aws.naming import PROVIDER

KIND = "consumers"
"""Of blind spots."""


class Sight(Struct, frozen=True):
    """For the look at one account."""

    sought: Sought
    account: str
    home: str
    """The Region of the operator's configuration: where an address without a Region leads."""
    own: bool
    """Whether it is the operator's own account: flushes, and addresses without an account, lead there."""

    @property
    def there(self) -> PrincipalRef:
        """The account, for what could not be seen in it."""
        return PrincipalRef(PROVIDER, "account", self.account)

    @property
    def names(self) -> tuple[str, ...]:
        """What something may be called like: the identity, and its principals of AWS."""
        own = (who.name for who in self.sought.principals if who.ref.provider == PROVIDER)
        return tuple(dict.fromkeys((self.sought.name, *own)))

    def marked(self, text: str) -> Sequence[Mark]:
        """Most texts hold none: that is told without a search for whole words."""
        low = text.lower()
        likely = [mark for mark in self.sought.marks if mark.text.lower() in low]
        return marks_in(text, likely) if likely else ()

    def named(self, text: str) -> str:
        """What it is called like; empty: nothing."""
        return next((name for name in self.names if called_like(text, name)), "")

    def kinds_of(self, of: Iterable[PrincipalRef]) -> tuple[str, ...]:
        """What can be made anew for these principals."""
        refs = set(of)
        return tuple(dict.fromkeys(mark.kind for mark in self.sought.marks if mark.kind and mark.of in refs))
