"""The intruder's ways in, tried over the socket with what was stolen and the vendor's own client."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from nhi_revoke_aws.sandbox.clients import Clients, Held
from nhi_revoke_aws.sandbox.own.book import USE
from nhi_revoke_aws.sandbox.signin import CONSOLE_PATH

SHUT = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)
"""Codes of a clear refusal; everything else is unclear and raised."""
LOGIN_CLIENT = "arn:aws:signin:::devtools/same-device"


class Unclear(RuntimeError):
    """Neither in nor out: the sandbox or the network failed."""


class StolenDoor:
    """One door. `walk` uses what was stolen, and raises the vendor's refusal."""

    def __init__(self, door_id: str, kind: str, says: str, access: str, walk: Callable[[], None]) -> None:
        self.id = door_id
        self.kind = kind
        self.says = says
        self.access = access
        self._walk = walk

    def open(self) -> bool:
        """Raises whatever is no clear refusal."""
        from botocore.exceptions import ClientError

        try:
            self._walk()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in SHUT:
                return False
            raise
        except Refused:
            return False
        return True

    def __repr__(self) -> str:
        return f"StolenDoor({self.id}, {self.kind}, {self.access})"


class Refused(Exception):
    """The login page says no."""


class Burglar:
    """What the intruder knows how to do. `keep` is told of every credential that falls into their hands."""

    def __init__(self, clients: Clients, endpoint: str, region: str, keep: Callable[[Held], None]) -> None:
        self._clients = clients
        self._endpoint = endpoint
        self._region = region
        self._keep = keep

    def use(self, held: Held) -> None:
        """A harmless call that the policies allow. GetCallerIdentity would prove nothing: nobody can be denied it."""
        self._client("s3", held).list_buckets()

    def assume(self, held: Held, role_arn: str, name: str) -> Held:
        got = self._client("sts", held).assume_role(RoleArn=role_arn, RoleSessionName=name)
        return self._held(got["Credentials"])

    def assume_and_use(self, held: Held, role_arn: str, name: str) -> None:
        self.use(self.assume(held, role_arn, name))

    def refresh_and_use(self, refresh_token: str) -> None:
        """`aws login`: the refresh token mints credentials as long as nobody denies that action."""
        wanted = {"clientId": LOGIN_CLIENT, "grantType": "refresh_token", "refreshToken": refresh_token}
        got = self._clients.client("signin", None, self._region).create_o_auth2_token(tokenInput=wanted)
        token = got["tokenOutput"]["accessToken"]
        held = Held(token["accessKeyId"], token["secretAccessKey"], token["sessionToken"])
        self._keep(held)
        self.use(held)

    def sign_in_and_use(self, account: str, user: str, password: str) -> None:
        """Raises Refused when the login page refuses."""
        given = self._post(CONSOLE_PATH, {"account": account, "user": user, "password": password})
        self.use(self._held(given))

    def knock(self, service: str, **form: str) -> None:
        """Uses a credential of one of the sandbox's own services at its data plane. Raises Refused when it says no."""
        self._post(USE + service, form)

    def client(self, service: str, held: Held) -> Any:
        """The vendor's own client with what was stolen."""
        return self._client(service, held)

    def _post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        """Raises Refused for a clear no, Unclear for anything else."""
        request = urllib.request.Request(self._endpoint + path, data=urlencode(form).encode())  # noqa: S310 - http on loopback
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=20) as answer:
                given: dict[str, Any] = json.loads(answer.read())
                return given
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 403:
                    raise Refused from error
                raise Unclear(f"{path} answered {error.code}") from error

    def _client(self, service: str, held: Held) -> Any:
        return self._clients.client(service, held, self._region)

    def _held(self, given: dict[str, Any]) -> Held:
        held = Held(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        self._keep(held)
        return held
