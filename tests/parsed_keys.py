"""Private keys are parsed once in a test process: OpenSSL takes 30 ms to check one, and a run in the sandbox of Google
Cloud signs in by the same few keys again and again. What a key's text holds does not change.
"""

from __future__ import annotations

import functools

from google.auth.crypt import RSASigner


def parse_once() -> None:
    """For the life of the process. A text that is no key is refused each time, as before."""
    if hasattr(RSASigner.from_string, "cache_info"):
        return
    RSASigner.from_string = functools.cache(RSASigner.from_string)  # type: ignore[method-assign]
