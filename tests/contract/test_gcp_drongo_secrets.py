"""Secret Manager of the sandbox beside drongo's, by Google's own client over REST: as in `test_gcp_drongo`."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from drongo.server import create_server
from google.oauth2 import credentials
from googleapiclient import discovery
from googleapiclient.errors import HttpError

from nhi_revoke_gcp.store.crc32c import crc32c
from tests.contract.discovery import document
from tests.contract.gcp_compared import PROJECT, compared, token

pytestmark = pytest.mark.contract

SECRET = f"{PROJECT}/secrets/held"
DATA = b"a text"


class Secrets:
    """One of the two, over REST."""

    def __init__(self, api: Any) -> None:
        self.secrets = api.projects().secrets()

    def __call__(self, method: str, version: str = "", **body: Any) -> Any:
        """The answer; or the status with which it was refused, as text."""
        named = f"{SECRET}/versions/{version}"
        if method == "addVersion":
            asked = self.secrets.addVersion(parent=SECRET, body=body)
        elif method in ("get", "access"):
            asked = getattr(self.secrets.versions(), method)(name=named)
        else:
            asked = getattr(self.secrets.versions(), method)(name=named, body=body)
        try:
            return asked.execute()
        except HttpError as error:
            return str(json.loads(error.content)["error"]["status"])

    def add(self, data: bytes = DATA, checksum: str = "") -> Any:
        given = {"dataCrc32c": checksum} if checksum else {}
        return self("addVersion", payload={"data": base64.b64encode(data).decode(), **given})

    def states(self) -> dict[str, str]:
        rows = self.secrets.versions().list(parent=SECRET).execute()["versions"]
        return {row["name"].rpartition("/")[2]: row["state"] for row in rows}

    def status(self, method: str, version: str) -> str:
        """Of a refusal; empty for none."""
        answer = self(method, version)
        return answer if isinstance(answer, str) else ""


@contextmanager
def over_rest(url: str, bearer: str) -> Iterator[Secrets]:
    made = discovery.build_from_document(
        document("secretmanager.v1"), credentials=credentials.Credentials(token=bearer),
        client_options={"api_endpoint": f"{url}/", "universe_domain": "googleapis.com"},
    )  # fmt: skip
    try:
        yield Secrets(made)
    finally:
        made.close()


@pytest.fixture
def our_secrets(tmp_path: Path) -> Iterator[Secrets]:
    with compared(tmp_path) as sandbox:
        sandbox.cloud.secret_manager.new_secret("compared-1", "held", sandbox.now())
        with over_rest(sandbox.url, token(sandbox)) as made:
            yield made


@pytest.fixture
def drongo_secrets() -> Iterator[Secrets]:
    server = create_server("127.0.0.1")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with over_rest(f"http://127.0.0.1:{server.server_address[1]}", "any") as made:
        made.secrets.create(parent=PROJECT, secretId="held", body={"replication": {"automatic": {}}}).execute()
        yield made
    server.shutdown()
    server.server_close()
    thread.join(5)


def life_of_versions(secrets: Secrets) -> Iterator[Any]:
    made = [secrets.add(data) for data in (DATA, b"two", b"three")]
    yield [(row["name"], row["state"], "createTime" in row, bool(row["etag"])) for row in made]
    for version in ("1", "3", "latest"):
        read = secrets("access", version)
        yield read["name"], read["payload"]["data"], secrets("get", version)["name"]
    for method in ("disable", "disable", "enable", "enable", "disable"):
        answer = secrets(method, "1")
        yield method, answer["name"], answer["state"], secrets("get", "1")["state"], secrets.status("access", "1")
    yield secrets.states()
    yield secrets("enable", "1")["state"], secrets("access", "1")["payload"]["data"]
    yield secrets("destroy", "2")["state"], secrets.status("access", "2"), secrets("get", "2")["state"]
    yield secrets.states(), secrets.add(b"four")["name"], secrets("access", "latest")["name"]
    yield [secrets.status(method, "9") for method in ("get", "access", "disable", "enable", "destroy")]
    yield [secrets.status(method, "0") for method in ("get", "access", "disable")]


def test_versions_from_their_creation_to_their_end(our_secrets: Secrets, drongo_secrets: Secrets) -> None:
    """Each is a number more, for ever; the text of what is disabled or destroyed is FAILED_PRECONDITION."""
    mine, theirs = list(life_of_versions(our_secrets)), list(life_of_versions(drongo_secrets))
    assert mine == theirs
    refused = "FAILED_PRECONDITION"
    assert [seen[-1] for seen in mine[4:9]] == [refused, refused, "", "", refused]
    assert mine[-2:] == [["NOT_FOUND"] * 5, ["NOT_FOUND"] * 3]


def test_both_tell_how_many_there_are(our_secrets: Secrets, drongo_secrets: Secrets) -> None:
    """ListSecretVersionsResponse.totalSize; the newest first, which drongo turns round."""
    answers = []
    for secrets in (our_secrets, drongo_secrets):
        for _ in range(3):
            secrets.add()
        answers.append(secrets.secrets.versions().list(parent=SECRET).execute())
    mine, theirs = answers
    assert mine["totalSize"] == theirs["totalSize"] == 3
    assert [row["name"] for row in mine["versions"]] == [row["name"] for row in reversed(theirs["versions"])]


def test_where_drongo_gives_destroyed_versions_back(our_secrets: Secrets, drongo_secrets: Secrets) -> None:
    """SecretVersion.state: "A version may not leave this state once entered"; and destroyTime is told then."""
    for secrets in (our_secrets, drongo_secrets):
        secrets.add()
    gone = our_secrets("destroy", "1")
    assert gone["destroyTime"] == "2026-11-28T12:00:00Z"
    assert our_secrets("get", "1") == gone
    assert "destroyTime" not in drongo_secrets("destroy", "1")
    for method in ("enable", "disable"):
        assert our_secrets.status(method, "1") == "FAILED_PRECONDITION"
        assert drongo_secrets.status(method, "1") == ""
    assert (our_secrets.states(), drongo_secrets.states()) == ({"1": "DESTROYED"}, {"1": "DISABLED"})


def test_where_the_latest_of_drongo_is_an_older_one(our_secrets: Secrets, drongo_secrets: Secrets) -> None:
    """ "versions/latest is an alias to the most recently created SecretVersion" (versions.access), enabled or not."""
    for secrets in (our_secrets, drongo_secrets):
        secrets.add()
        secrets.add()
        secrets("disable", "2")
    assert our_secrets("get", "latest")["name"] == f"{SECRET}/versions/2"
    assert our_secrets("access", "latest") == "FAILED_PRECONDITION"
    assert drongo_secrets("access", "latest")["name"] == f"{SECRET}/versions/1"


def test_where_drongo_looks_at_no_checksum(our_secrets: Secrets, drongo_secrets: Secrets) -> None:
    """SecretPayload.dataCrc32c: verified where it is given, made where it is not, and part of every access."""
    good, bad = str(crc32c(DATA)), "1"
    for given in ("", good):
        assert our_secrets.add(checksum=given).get("clientSpecifiedPayloadChecksum", False) is bool(given)
        assert "clientSpecifiedPayloadChecksum" not in drongo_secrets.add(checksum=given)
        assert our_secrets("access", "latest")["payload"]["dataCrc32c"] == good
        assert "dataCrc32c" not in drongo_secrets("access", "latest")["payload"]
    assert our_secrets.add(checksum=bad) == "INVALID_ARGUMENT"
    assert drongo_secrets.add(checksum=bad)["state"] == "ENABLED"
    assert (len(our_secrets.states()), len(drongo_secrets.states())) == (2, 3)


def test_where_drongo_looks_at_no_etag(our_secrets: Secrets, drongo_secrets: Secrets) -> None:
    """DisableSecretVersionRequest.etag: it succeeds where it is that of what is stored."""
    stale = []
    for secrets in (our_secrets, drongo_secrets):
        stale.append(secrets.add()["etag"])
        secrets("disable", "1")
    assert our_secrets("enable", "1", etag=stale[0]) == "FAILED_PRECONDITION"
    assert drongo_secrets("enable", "1", etag=stale[1])["state"] == "ENABLED"
    assert (our_secrets.states(), drongo_secrets.states()) == ({"1": "DISABLED"}, {"1": "ENABLED"})
