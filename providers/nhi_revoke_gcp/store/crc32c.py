"""CRC32C (Castagnoli), as Secret Manager checks what it is sent and tells what it holds. Pure.

RFC 3720, 12.1 and B.4: the polynomial, and the vectors of the test. Nothing that is installed with Google's libraries
here computes it.
"""

from __future__ import annotations

POLYNOMIAL = 0x82F63B78
"""0x1EDC6F41, its bits reversed."""
ALL = 0xFFFFFFFF


def _entry(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (POLYNOMIAL if byte & 1 else 0)
    return byte


TABLE = tuple(_entry(byte) for byte in range(256))


def crc32c(data: bytes) -> int:
    """As an unsigned number of 32 bits."""
    value = ALL
    for byte in data:
        value = (value >> 8) ^ TABLE[(value ^ byte) & 0xFF]
    return value ^ ALL
