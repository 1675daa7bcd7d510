"""httpx without its own command line, which it imports wherever click is installed: click, rich and pygments, a fifth
of the time until a first request.

What of this product asks over HTTP takes httpx from here: `from nhi_revoke.provider.httpx_alone import httpx`. It is
the same module as for everybody else in this process; whoever imported it before has changed nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

COMMAND_LINE = "httpx._main"


def load() -> Any:
    """The module. Its `main` alone is another: that of an httpx that was installed without `httpx[cli]`. Afterwards
    `httpx._main` can be imported like any module.
    """
    shut = "httpx" not in sys.modules and COMMAND_LINE not in sys.modules
    if shut:
        sys.modules[COMMAND_LINE] = None  # type: ignore[assignment]  # what makes an import fail (sys.modules)
    try:
        return import_module("httpx")
    finally:
        if shut:
            sys.modules.pop(COMMAND_LINE, None)


if TYPE_CHECKING:
    import httpx
else:
    httpx = load()

__all__ = ["COMMAND_LINE", "httpx", "load"]
