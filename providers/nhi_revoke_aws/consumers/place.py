"""Where a credential is kept, as far as names and tags tell, and whether a configuration refers to it. Pure.

AWS docs: secretsmanager getting-started (a full ARN ends in `-` and six characters), ecs secrets-envvar-secrets-manager
(`ARN:json-key:stage:version`), systems-manager sysman-paramstore-su-create (hierarchies).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from nhi_revoke.model.consumer import Basis
from nhi_revoke.model.ref import PrincipalRef

SECRET, PARAMETER = "secret", "SSM parameter"
WORD = re.compile(r"[A-Za-z0-9/_+=.@:!-]+")
"""All that names and ARNs of both stores are made of."""
SUFFIX = re.compile(r"-[A-Za-z0-9]{6}\Z")
BY_PARAMETER = "/aws/reference/secretsmanager/"
"""Parameter Store reads a secret by such a name (AWS docs: systems-manager integration-ps-secretsmanager)."""
SPEAKS = re.compile(r"secret|ssm|param|credential|cred|key|token|password|auth", re.IGNORECASE)
"""A short word is taken for a name only where its variable says that it is one: STAGE=payments names no secret."""


class Place(Struct, frozen=True):
    """A secret of Secrets Manager or a parameter of Parameter Store."""

    sort: str
    """`SECRET` or `PARAMETER`."""
    name: str
    account: str
    region: str
    basis: Basis
    """Of what a reference to it is: no stronger than what tells that it is kept there."""
    why: str
    """A relative clause: "where nhi.toml delivers aws:access-key"."""
    arn: str = ""
    """Empty where only its name is known."""
    of: tuple[PrincipalRef, ...] = ()

    @property
    def says(self) -> str:
        return f"{self.sort} {self.name}"


class Reference(Struct, frozen=True):
    """A configuration names a place."""

    place: Place
    basis: Basis
    elsewhere: bool = False
    """By a name alone, from another Region than the place's."""


def references(text: str, variable: str, places: Iterable[Place], account: str, region: str) -> Sequence[Reference]:
    """`variable`: what the text is called in the configuration. `account`, `region`: where the configuration is."""
    words = [word.strip(".") for word in WORD.findall(text)]
    arns = [word[word.index("arn:") :] for word in words if "arn:" in word]
    bare = [word.removeprefix(BY_PARAMETER) for word in words if "arn:" not in word]
    plain = {part for word in bare for part in (word, *re.split("[=:]", word)) if part}
    found: list[Reference] = []
    for place in places:
        if any(_is_arn_of(arn, place) for arn in arns):
            found.append(Reference(place, place.basis))
        elif place.account == account and (plain & {place.name} or _is_above(plain, place)):
            if place.region != region and "/" in place.name.strip("/"):
                found.append(Reference(place, "name", elsewhere=True))
            elif place.region == region and ("/" in place.name.strip("/") or SPEAKS.search(variable)):
                found.append(Reference(place, place.basis))
    return found


def name_in_arn(arn: str) -> tuple[str, str, str, str]:
    """Sort, name as it stands there, account and Region; four empty texts for what is none of them."""
    parts = arn.split(":")
    if len(parts) > 6 and (parts[2], parts[5]) == ("secretsmanager", "secret"):
        return SECRET, parts[6], parts[4], parts[3]
    if len(parts) > 5 and parts[2] == "ssm" and parts[5].startswith("parameter/"):
        path = parts[5].removeprefix("parameter")
        return PARAMETER, path if path.count("/") > 1 else path.lstrip("/"), parts[4], parts[3]
    return "", "", "", ""


def _is_arn_of(arn: str, place: Place) -> bool:
    """A replica in another Region has the same name and end."""
    sort, name, account, region = name_in_arn(arn)
    if (sort, account) != (place.sort, place.account):
        return False
    if sort == PARAMETER:
        return region == place.region and name.lstrip("/") == place.name.lstrip("/")
    whole = name_in_arn(place.arn)[1]
    if whole and SUFFIX.search(whole):
        return name == whole or (name == place.name and region == place.region)
    return region == place.region and place.name in (name, SUFFIX.sub("", name))


def _is_above(words: Iterable[str], place: Place) -> bool:
    """A path that parameters are read by (ssm:GetParametersByPath)."""
    if place.sort != PARAMETER:
        return False
    return any(w.startswith("/") and w.strip("/") and place.name.startswith(f"{w.rstrip('/')}/") for w in words)
