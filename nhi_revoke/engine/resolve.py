"""From what was typed to an identity: a name of the map, or bare principals."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from msgspec.structs import replace

from nhi_revoke.config import Config
from nhi_revoke.model.error import Ambiguous, NotFound, Trouble, Usage
from nhi_revoke.model.identity import Identity
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.registry import Registry


def one_ref(text: str, registry: Registry) -> PrincipalRef:
    """Raises NotFound or Ambiguous; names the valid forms. Usage, without repeating it, for what is a credential."""
    refs = registry.refs(text)
    asked = {ref.provider for ref in refs} or registry.names()
    if any(_leaks(registry, provider, text) for provider in asked):
        raise Usage(
            "credential-typed",
            "what was typed in place of an identity has the shape of a credential, and is not repeated here. Other "
            "users of this machine may have seen it on the command line. Nothing was looked at.",
            "Name the identity that it belongs to, and hand it over in a file: --leaked-from FILE.",
        )
    if len(refs) > 1:
        raise Ambiguous(
            "ambiguous-principal",
            f"{text!r} could be any of: {', '.join(map(str, refs))}. Nothing was looked at.",
            "Type one of these in full.",
        )
    if not refs:
        raise NotFound(
            "unknown-principal",
            f"{text!r} is neither an identity of the map nor a principal of any provider. Nothing was looked at.",
            f"Write PROVIDER:KIND/NAME, with a provider of: {', '.join(registry.names())}.",
        )
    return refs[0]


def _leaks(registry: Registry, provider: str, text: str) -> bool:
    try:
        return any(True for _ in registry.provider(provider).leaks(text))
    except Trouble:
        return False


def resolve(names: Sequence[str], config: Config, registry: Registry) -> Identity:
    """One identity of the map, or one or more bare principals under the name of the first."""
    if not names:
        raise Usage("no-identity", "no identity was named", "nhi-revoke identities  shows those of the map.")
    if len(names) == 1 and names[0] in config.identities:
        known = config.identities[names[0]]
        refs = tuple(one_ref(str(p) if p.provider else p.id, registry) for p in known.principals)
        return replace(known, principals=refs)
    for name in names:
        if name in config.identities:
            raise Usage("mixed-names", f"{name!r} is an identity of the map: name it alone, or principals only.")
    try:
        return Identity(name=names[0], principals=tuple(one_ref(n, registry) for n in names))
    except NotFound as wrong:
        near = difflib.get_close_matches(names[0], list(config.identities), n=3, cutoff=0.5)
        if near:
            raise NotFound(wrong.code, wrong.message, f"Did you mean {' or '.join(near)}? {wrong.hint}") from None
        raise
