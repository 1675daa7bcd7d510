"""Which libraries are not there, found without importing any."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.machinery import PathFinder
from importlib.util import find_spec


def missing(names: Sequence[str]) -> tuple[str, ...]:
    """Those of these import names, dotted or not, that cannot be found."""
    return tuple(name for name in names if not _is_there(name))


def _is_there(name: str) -> bool:
    """Walks the parts itself: `find_spec` of a dotted name would import its parents.

    Each part is looked for by its own name alone: for a part of a namespace package the whole name would need its
    parent imported, too.
    """
    top, *rest = name.split(".")
    try:
        spec = find_spec(top)
    except ValueError:  # imported by hand without a spec: it is there, and what lies in it cannot be told
        return True
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return False
        spec = PathFinder.find_spec(part, list(spec.submodule_search_locations))
    return spec is not None
