"""RSA keys for what a sandbox's vendor and its clients sign with."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

BITS = 2048


@functools.cache
def rsa_key(name: str) -> RSAPrivateKey:
    """The one of this name: made once in a process, since a quarter of a second each adds up over many sandboxes.

    Another name is another key, and another process has others.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    assert name
    return generate_private_key(public_exponent=65537, key_size=BITS)
