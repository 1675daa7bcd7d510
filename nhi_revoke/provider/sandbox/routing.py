"""Which operation a request is: werkzeug's matching, compiled once for all sandboxes of a vendor in a process."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug.routing import Map


@lru_cache(maxsize=16)
def compiled(operations: tuple[tuple[str, str], ...]) -> Map:
    """The map of these methods and paths; each endpoint is the place of its operation, as text.

    Compiling takes a fifth of the processor time of a conformance test, which starts a sandbox for every fault. A map
    that nothing is added to is only read.
    """
    from werkzeug.routing import Map, Rule

    return Map([Rule(path, methods=[method], endpoint=str(n)) for n, (method, path) in enumerate(operations)])
