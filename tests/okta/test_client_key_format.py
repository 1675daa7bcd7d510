"""A new key as variables of a dotenv file: what a shell makes of it, Okta's own SDK signs in with."""

from __future__ import annotations

import os
import subprocess

import pytest
from okta.config.config_setter import ConfigSetter

from nhi_revoke.provider import text as formatted

from .conftest import Bench
from .test_client_keys import REPLACE, by_name
from .test_client_keys import bench as bench


def test_as_env_oktas_own_sdk_reads_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    create = by_name(bench, **REPLACE)["create"]
    bench.do(create)
    secret, [layout] = bench.run.take(create.id), bench.doer(create.does).layouts
    text = formatted.written("OTHER=1\n", secret, layout)
    told = subprocess.run(
        ["/bin/sh", "-euac", f"{text}\nexec env -0"],
        capture_output=True,
        check=True,
        text=True,
        env={"PATH": os.defpath},
    ).stdout
    for name in [each for each in os.environ if each.startswith("OKTA_")]:
        monkeypatch.delenv(name)
    for each in told.split("\0"):
        if each.startswith("OKTA_CLIENT_"):
            monkeypatch.setenv(*each.split("=", 1))
    found = ConfigSetter().get_config()["client"]  # type: ignore[no-untyped-call]  # Okta's
    assert (found["clientId"], found["privateKey"]) == (secret.public["client_id"], secret.reveal())
    assert f"OKTA_CLIENT_KID={secret.public['kid']}\n" in text
