"""One request that is on its way for as long as a test wants it to be."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from nhi_revoke.provider.http import HttpApi

PATIENCE = 10.0


class HeldRequest:
    """Of HttpApi: the first one for a path gets its answer only after `go`; what the vendor says is of the moment at
    which it was asked.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
        self.began, self.go = threading.Event(), threading.Event()
        self.asked: list[str] = []
        real = HttpApi.call

        def call(api: HttpApi, method: str, url: str, **more: Any) -> Any:
            self.asked.append(url)
            try:
                return real(api, method, url, **more)
            finally:
                if url == path and not self.began.is_set():
                    self.began.set()
                    assert self.go.wait(PATIENCE)

        monkeypatch.setattr(HttpApi, "call", call)

    def count(self, path: str) -> int:
        return self.asked.count(path)


def until_waiting(together: Any, others: int) -> None:
    """Until so many wait for an answer that is on its way."""
    pause = threading.Event()
    for _ in range(int(PATIENCE * 1000)):
        if sum(len(future._condition._waiters) for future in list(together._under_way.values())) >= others:
            return
        pause.wait(0.001)
    pytest.fail("nobody waits for the answer that is on its way")
