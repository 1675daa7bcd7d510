"""From options to what the engine plans with: an identity with its deliveries, and an intent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from nhi_revoke.cli.reasons import DEFAULTS
from nhi_revoke.cli.spans import moment_of
from nhi_revoke.engine.formats import addressed
from nhi_revoke.model.command import command
from nhi_revoke.model.error import Usage
from nhi_revoke.model.identity import Delivery, Identity
from nhi_revoke.model.intent import LONGEST_UNUSED, Intent, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from nhi_revoke.cli.options import SettingsOptions
    from nhi_revoke.provider.registry import Registry

Order = Literal["contain", "rollover"]


def intent_of(options: SettingsOptions, identity: Identity, order: Order, now: datetime) -> Intent:
    """Flags win over the defaults of the reason. Raises Usage."""
    reason = Reason(options.reason)
    defaults = DEFAULTS[reason]
    rotate = options.rotate or defaults.rotate
    if order == "rollover" and rotate == "no":
        raise Usage(
            "rotate-without-rotation",
            f"rotate replaces credentials, and --rotate no (or the reason {reason.value}) forbids it. Nothing done.",
            f"{command('revoke', identity.name)}  ends them without replacing.",
        )
    if options.keep_sessions and order == "contain":
        raise Usage("keep-sessions", "--keep-sessions belongs to rotate. Nothing was done.", "revoke --scope keys")
    if options.until_unused and order == "contain":
        raise Usage("until-unused", "--until-unused belongs to rotate. Nothing was done.", "revoke ends it at once")
    if options.until_unused > LONGEST_UNUSED:
        raise Usage(
            "until-unused",
            f"--until-unused waits for {LONGEST_UNUSED / 3600:g} h at most, since the process has to stay. "
            "Nothing was done.",
            "--grace TIME keeps both working for longer.",
        )
    return Intent(
        order=order,
        reason=reason,
        case=options.case,
        scope=options.scope or defaults.scope,
        rotate=rotate,
        replace=() if rotate == "no" else tuple(dict.fromkeys(each.kind for each in identity.deliver)),
        brake=options.brake,
        settle=options.settle,
        grace=options.grace,
        until_unused=options.until_unused,
        cut_trust=tuple(options.cut_trust or ()),
        keep_trust=tuple(options.keep_trust or ()),
        free_slot=tuple(options.free_slot or ()),
        keep_sessions=options.keep_sessions,
        follow=options.follow,
        since=moment_of(options.since, now, "--since") if options.since else None,
        experimental=options.experimental,
    )


def delivering(identity: Identity, words: Sequence[str], registry: Registry, form: str = "") -> Identity:
    """The identity with the targets of `--deliver KIND=STORE:ADDRESS`, which win over the map's. `form`: of each of
    them, by `--format`. Raises Usage. What the map has is looked at when it is planned with.
    """
    if form and not words:
        raise Usage(
            "format-without-deliver",
            "--format says how what --deliver names is written, and no --deliver is there. Nothing was done.",
            'In nhi.toml it is format = "…" in the deliver table.',
        )
    added = [_delivery(word, registry, form) for word in words]
    kinds = {each.kind for each in added}
    kept = (each for each in identity.deliver if each.kind not in kinds)
    return replace(identity, deliver=(*kept, *added))


def must_deliver(identity: Identity) -> None:
    """`rotate` needs somewhere to put the replacement. Raises Usage where there is nowhere."""
    if not identity.deliver:
        raise Usage(
            "no-delivery",
            f"rotate: nothing of {identity.name} has a delivery target, so a new credential would reach nobody. "
            "Nothing was done.",
            "Add --deliver KIND=STORE:ADDRESS (nhi-revoke providers lists both), or a deliver table in nhi.toml.",
        )


def _delivery(word: str, registry: Registry, form: str) -> Delivery:
    kind, equals, to = word.partition("=")
    store, colon, address = to.partition(":")
    if not (kind and equals and store and colon and address):
        raise Usage(
            "bad-delivery",
            f"--deliver {word!r} does not have the form KIND=STORE:ADDRESS. Nothing was done.",
            "nhi-revoke providers  lists access kinds and stores.",
        )
    delivery = Delivery(kind, to, format=form)
    addressed(delivery, registry.kind(kind).mint, registry.store(store))
    return delivery
