"""`nhi-revoke demo --serve`: sandboxes for another terminal, the intruder on Enter, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

NHI = (sys.executable, "-m", "nhi_revoke")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_another_terminal_works_with_the_sandboxes_and_the_intruder_tries_again(
    tmp_path: Path, stop: signal.Signals
) -> None:
    environ = {**os.environ, "NHI_REVOKE_PROVIDERS": "okta,local", "TMPDIR": str(tmp_path), "NO_COLOR": "1"}
    words = [*NHI, "demo", "--serve", "-o", "json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environ) as serving:
        assert serving.stdin
        assert serving.stdout
        assert serving.stderr
        told = [serving.stderr.readline() for _ in range(5)]
        settings = dict(word.split("=", 1) for word in told[2].split()[1:])
        revoke = [*told[3].split()[2:], "--yes", "--allow-irreversible"]
        revoked = subprocess.run(
            [*NHI, "revoke", *revoke],
            env={**environ, **settings},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert revoked.returncode == 8, revoked.stderr
        serving.stdin.write("\n")
        serving.stdin.flush()
        heads = serving.stderr.readline()
        serving.send_signal(stop)
        try:
            out, err = serving.communicate(timeout=60)
        finally:
            serving.kill()
    assert serving.returncode == 0, err
    assert "now" in heads
    data = json.loads(out)["data"]
    assert (data["identity"], data["providers"]) == (revoke[0], ["okta"])
    states = {door["id"]: door["state"] for door in data["doors"]}
    assert states["okta/client-secret"] == "shut"
    assert states["okta/access-token-local"] == "open", "a token that is read without asking lives until it expires"
    assert list(tmp_path.iterdir()) == [], "its folder is removed"
