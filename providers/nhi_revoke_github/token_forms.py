"""The forms of GitHub's tokens, and the checksum at their end. Pure.

GitHub blog: behind-githubs-new-authentication-token-formats (2021): 30 drawn characters and 6 of a CRC32 of them in
base 62, digits first, padded with zeros. GitHub docs: about-authentication-to-github (prefixes). GitHub changelog,
2026-04-24 and 2026-05-15: an installation's token may be `ghs_APPID_JWT`, about 520 characters long. A fine-grained
token has 22 and 59 characters, and a refresh token may have 76: of these no checksum is published, and none is asked.
"""

from __future__ import annotations

import re
import string
import zlib
from collections.abc import Iterator

from msgspec import Struct

from nhi_revoke.provider.spotting import digest, is_filler
from nhi_revoke.provider.unsigned_jwt import read

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
CHECKSUM = 6
STATELESS = r"(?:[0-9A-Za-z.]{1,40}_)?eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{16,}"
"""What follows `ghs_` in an installation's token that is a JWT."""
FORM = re.compile(
    rf"(?<![0-9A-Za-z_])(?:(?P<jwt>ghs)_{STATELESS}(?![0-9A-Za-z_-]|\.[0-9A-Za-z_-])"
    r"|(?P<short>ghp|gho|ghu|ghs|ghr)_(?P<drawn>[0-9A-Za-z]{30})(?P<checksum>[0-9A-Za-z]{6})(?![0-9A-Za-z_])"
    r"|(?P<long>ghr)_[0-9A-Za-z]{76}(?![0-9A-Za-z_])"
    r"|(?P<fine>github_pat)_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}(?![0-9A-Za-z_]))"
)
EXAMPLES = frozenset({"6d7fa4e64d4b1f3e"})
"""Digests of tokens without a checksum that GitHub's own documents show."""


class Token(Struct, frozen=True):
    """One that stands in a text."""

    prefix: str
    value: str
    start: int

    def __repr__(self) -> str:
        return f"Token({self.prefix})"


def checksum(drawn: str) -> str:
    """Of the drawn characters, without the prefix."""
    number, text = zlib.crc32(drawn.encode()), ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        text = DIGITS[digit] + text
    return text.rjust(CHECKSUM, DIGITS[0])


def tokens(text: str) -> Iterator[Token]:
    """Each sighting. What has the form and a wrong checksum is none; nor is what a document shows as an example."""
    for found in FORM.finditer(text):
        prefix = found["jwt"] or found["short"] or found["long"] or found["fine"]
        if found["short"] is not None:
            whole = checksum(found["drawn"]) == found["checksum"]
        elif found["jwt"] is not None:
            whole = read(found[0][found[0].index("eyJ") :]) is not None
        else:
            whole = not is_filler(found[0].removeprefix(prefix)) and digest(found[0]) not in EXAMPLES
        if whole:
            yield Token(prefix, found[0], found.start())
