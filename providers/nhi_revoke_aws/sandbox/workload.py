"""The payments service: its key comes from Secrets Manager; it holds a session that it began with the key, too."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.doors import SHUT
from nhi_revoke_aws.sandbox.seed import SECRET

Client = Callable[[str, Held | None], Any]


class Service:
    """`client`: the vendor's own. `reader`: one that may read the store, whatever becomes of the key."""

    kind = "aws:access-key"

    def __init__(self, client: Client, reader: Any) -> None:
        self._client, self._reader = client, reader
        self._session: Held | None = None

    def call(self) -> bool:
        return self._uses(self._held())

    def session(self) -> bool | None:
        """With a token of `GetSessionToken`."""
        from botocore.exceptions import ClientError

        if self._session is None:
            try:
                got = self._client("sts", self._held()).get_session_token()["Credentials"]
            except ClientError as error:
                return _refusal(error)
            self._session = Held(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
        works = self._uses(self._session)
        if not works:
            self._session = None
        return works

    def _held(self) -> Held:
        answer = self._reader.get_secret_value(SecretId=SECRET, VersionStage="AWSCURRENT")
        found: Mapping[str, str] = json.loads(answer["SecretString"])
        return Held(found["AccessKeyId"], found["SecretAccessKey"])

    def _uses(self, held: Held) -> bool:
        """GetCallerIdentity would prove nothing: nobody can be denied it."""
        from botocore.exceptions import ClientError

        try:
            self._client("s3", held).list_buckets()
        except ClientError as error:
            return _refusal(error)
        return True


def _refusal(error: Any) -> bool:
    """False for a clear no. Raises anything else."""
    if error.response.get("Error", {}).get("Code") in SHUT:
        return False
    raise error
