"""What uses, or may use, the credentials of an identity: for `find --consumers`, and for the map."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from nhi_revoke.model.identity import Delivery, FlushTarget, Principal
from nhi_revoke.model.ref import AccessId, PrincipalRef

Basis = Literal["id", "reference", "use", "name"]
"""Why it is told, the strongest first: it holds the credential's public id; it refers to a place that holds it; the
vendor saw it use the credential; it is called like the identity, which proves nothing."""


class Mark(Struct, frozen=True):
    """A text that tells a credential or its principal wherever a configuration holds it: never a secret."""

    text: str
    """Compared as a whole word: `AKIA…`, a client id, an e-mail of a service account."""
    of: PrincipalRef
    access: AccessId = ""
    """The one access that it tells; empty: its principal's, whichever."""
    kind: str = ""
    """The access kind that is made anew for it (`Delivery.kind`); empty: nobody can tell."""
    field: str = ""
    """Name of the public part that holds it in what is made anew (`Secret.public`): by it a store of named fields tells
    whether its replacement would be read there. Empty: nobody can tell.
    """
    variable: str = ""
    """Name of the variable that takes this part where a replacement is written as `env`; the engine tells it."""


class Sought(Struct, frozen=True):
    """What consumers are looked for by."""

    name: str
    """The identity's, as the map or the operator has it."""
    principals: tuple[Principal, ...]
    marks: tuple[Mark, ...]
    delivered: tuple[Delivery, ...] = ()
    """Where the map sends replacements already: what refers to these places is a consumer, too."""


class Consumer(Struct, frozen=True):
    """One thing that uses a credential of the identity, or may."""

    what: str
    """As its vendor's screens call it: "Lambda function payments-worker"."""
    scope: str
    """Account, tenant, organisation or cluster in which it is."""
    basis: Basis
    why: str
    """A sentence without its subject: "its environment holds k-4711 (KEY_ID)"."""
    evidence: str
    """The API that showed it."""
    of: tuple[PrincipalRef, ...] = ()
    """Principals whose credential it uses; empty where a name alone says so."""
    deliver: tuple[Delivery, ...] = ()
    """For the map: where its replacement would go. Only what a store of this product can write."""
    flush: tuple[FlushTarget, ...] = ()
    """For the map: what makes it read the replacement, or forget the old one."""
    by_hand: str = ""
    """What to do where neither is possible: what somebody has to change, where."""
