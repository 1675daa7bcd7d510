"""The first wave uses a login that nobody has used yet, from many threads at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from nhi_revoke_aws.login import Login
from nhi_revoke_aws.settings import AwsSettings

THREADS = 6


@pytest.mark.parametrize("attempt", range(12))
def test_every_thread_finds_the_profile(tmp_path: Path, attempt: int) -> None:
    credentials = tmp_path / "credentials"
    many = "".join(
        f"[other-{n}]\naws_access_key_id = AKIA{n:016}\naws_secret_access_key = never-used-{n}\n" for n in range(40)
    )
    credentials.write_text(many + "[responder]\naws_access_key_id = AKIA0\naws_secret_access_key = never-used\n")
    settings = AwsSettings(credentials_file=str(credentials), profile="responder", region="us-east-1")
    login, together = Login(settings, ""), Barrier(THREADS)

    def use(number: int) -> str:
        together.wait()
        if number % 2:
            return str(login.chain())
        return str(login.session().get_credentials().access_key)

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(use, range(THREADS)))
    assert set(answers) == {"AKIA0", "((), ())"}


@pytest.mark.parametrize("attempt", range(12))
def test_a_role_of_the_profile_is_no_circle_to_many_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attempt: int
) -> None:
    """botocore notes which profiles it came through in one place, and two threads at once look like a circle to it."""
    credentials, config = tmp_path / "credentials", tmp_path / "config"
    credentials.write_text("[base]\naws_access_key_id = AKIA0\naws_secret_access_key = never-used\n")
    role = "arn:aws:iam::111122223333:role/responder"
    config.write_text(f"[profile ir]\nrole_arn = {role}\nsource_profile = base\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    login, together = Login(AwsSettings(credentials_file=str(credentials), profile="ir"), ""), Barrier(THREADS)

    def use(number: int) -> tuple[str, ...]:
        together.wait()
        if number % 2:
            return login.chain()[0]
        login.client(("sts", "iam", "account")[number // 2], "us-east-1")
        return (role,)

    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(use, range(THREADS))) == {(role,)}
