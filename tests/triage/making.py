"""Makes credentials and what looks like them: the same ones each time, and none that anybody ever had."""

from __future__ import annotations

import base64
import json
import random
import string
import uuid
from datetime import UTC, datetime
from typing import Any

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
URL = BASE62 + "-_"
LATER = int(datetime(2031, 1, 1, tzinfo=UTC).timestamp())
PAST = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())


class Maker:
    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - made up

    def drawn(self, length: int, letters: str = BASE62) -> str:
        return "".join(self._random.choice(letters) for _ in range(length))

    def hex(self, length: int) -> str:
        return self.drawn(length, "0123456789abcdef")

    def blob(self, size: int) -> str:
        """Base64 of so many bytes."""
        return base64.b64encode(self._random.randbytes(size)).decode()

    def guid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def jwt(self, **claims: Any) -> str:
        """Signed by nobody."""
        header = {"alg": "RS256", "kid": self.drawn(12), "typ": "JWT"}
        return f"{part(header)}.{part(claims)}.{self.drawn(86, URL)}"

    def common(self) -> list[tuple[str, str]]:
        """What every scanner meets, and nobody's credential is: name and text."""
        found = [(f"uuid-{n}", f"request {self.guid()} took 12 ms") for n in range(4)]
        found += [(f"commit-{n}", f"commit {self.hex(40)}") for n in range(4)]
        found += [(f"sha256-{n}", f"sha256:{self.hex(64)}") for n in range(3)]
        found += [(f"sha512-{n}", f"sha512-{self.blob(64)}") for n in range(3)]
        found += [(f"base64-{n}", self.blob(300)) for n in range(4)]
        found += [(f"forty-{n}", self.drawn(40)) for n in range(4)]
        found += [(f"forty-url-{n}", f"id={self.drawn(40, URL)}") for n in range(3)]
        found += [
            ("md5", f"ETag: {self.hex(32)}"),
            ("pem", f"-----BEGIN CERTIFICATE-----\n{self.blob(48)}\n{self.blob(48)}\n-----END CERTIFICATE-----"),
            ("ssh-key", f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{self.drawn(43)} bot@example.com"),
            ("jwt-of-another", f"Bearer {self.jwt(iss='https://issuer.example.com/', sub='bot', exp=LATER)}"),
            ("jwt-of-kubernetes", self.jwt(iss="https://kubernetes.default.svc", sub="system:serviceaccount:a:b")),
            ("jwt-without-issuer", self.jwt(sub="bot", exp=LATER)),
            ("jwt-cut", self.jwt(iss="https://issuer.example.com/").rpartition(".")[0]),
        ]
        return found


def part(told: Any) -> str:
    """Of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
