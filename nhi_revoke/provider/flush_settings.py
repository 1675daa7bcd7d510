"""A flush's own settings of the map, with errors that say what to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from nhi_revoke.model.building import converted
from nhi_revoke.model.nearest import did_you_mean
from nhi_revoke.provider.fault import Rejected

if TYPE_CHECKING:
    from nhi_revoke.model.ref import Json

S = TypeVar("S", bound=msgspec.Struct)


def read_settings(use: str, given: Json, shape: type[S], example: str) -> S:
    """What stands beside `use` in the map, as a Struct. Raises Rejected, with the nearest setting and `example`."""
    valid = [field.name for field in msgspec.structs.fields(shape)]
    for key in given:
        if key not in valid:
            raise Rejected(f'{use}: there is no setting "{key}"', hint=f"{did_you_mean(key, valid)} Write {example}.")
    try:
        return converted(dict(given), shape)
    except msgspec.ValidationError as error:
        raise Rejected(f"{use}: {error}", hint=f"Write {example}.") from None
