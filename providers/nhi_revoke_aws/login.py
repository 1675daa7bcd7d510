"""Whose credentials open an account, and the chain they come from: profile, source profiles, role to assume."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke import __version__
from nhi_revoke.provider.counting import sends
from nhi_revoke_aws.quiet import hush_wire_logs

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io
    from nhi_revoke_aws.settings import AwsSettings

FALLBACK_REGION = "us-east-1"
"""Only where neither nhi.toml nor the AWS configuration names a region; IAM is global."""
SESSION_NAME = "nhi-revoke"
EARLY = timedelta(minutes=5)
"""Assumed credentials are renewed this long before they expire."""
POOL = 32


class Keys(Struct, frozen=True):
    """Explicit credentials: memory only, and never printed."""

    key_id: str
    secret: str
    token: str = ""
    expires: datetime | None = None

    def __repr__(self) -> str:
        return f"Keys({self.key_id})"

    def for_client(self) -> dict[str, str]:
        """As botocore's `create_client` takes them."""
        return {
            "aws_access_key_id": self.key_id,
            "aws_secret_access_key": self.secret,
            "aws_session_token": self.token,
        }

    def fresh(self, now: datetime) -> bool:
        return self.expires is None or now < self.expires - EARLY


class Login:
    """One botocore session, made when first needed, and the clients from it (8 ms each; the session costs 100 ms).

    boto3 itself is not imported: it would add its resources and S3 transfers to the way to the first request.
    """

    def __init__(self, settings: AwsSettings, profile: str, io: Io | None = None) -> None:
        """`io`: counts what is sent, where anything counts."""
        self._settings = settings
        self._profile = profile
        self._io = io
        self._lock = threading.RLock()  # a session makes its clients one at a time
        self._session: Any = None
        self._clients: dict[tuple[str, str, str], Any] = {}

    def session(self) -> Any:
        """The botocore session. Raises botocore's ProfileNotFound."""
        if self._session is not None:
            return self._session
        with self._lock:
            if self._session is None:
                self._session = self._made()
            return self._session

    def _made(self) -> Any:
        import botocore.session
        from botocore.exceptions import ProfileNotFound

        from nhi_revoke_aws.service_models import loader

        hush_wire_logs()
        core = botocore.session.Session()
        # Before each request that botocore sends, its own for credentials included.
        core.register("before-send", self._counted)
        profile = self._profile or self._settings.profile
        if self._settings.credentials_file:
            core.set_config_variable("credentials_file", self._settings.credentials_file)
            profile = profile or "default"  # named: else AWS_ACCESS_KEY_ID of the environment would win
        if profile:
            core.set_config_variable("profile", profile)
        # botocore itself assumes the roles of a profile, and asks the session where: a region of ours counts there too.
        region = self._settings.region or core.get_config_variable("region") or FALLBACK_REGION
        core.set_config_variable("region", region)
        # botocore reads its files in two steps, and a thread that looks in between finds no profile: read them here,
        # under the lock (ProfileNotFound was seen in one run of three).
        if profile and profile not in core.full_config.get("profiles", {}):
            raise ProfileNotFound(profile=profile)
        core.register_component("data_loader", loader(core.get_config_variable("data_path")))
        return core

    def _counted(self, **_: Any) -> None:
        if self._io is not None:
            sends(self._io)

    def region(self) -> str:
        """Where regional services are asked."""
        return str(self._settings.region or self.session().get_config_variable("region") or FALLBACK_REGION)

    def client(self, service: str, region: str = "", keys: Keys | None = None) -> Any:
        """One client for each service, region and credential."""
        where = region or self.region()
        slot = (service, where, keys.key_id if keys else "")
        made = self._clients.get(slot)  # without the lock: whoever makes the client of another service holds it long
        if made is not None:
            return made
        with self._lock:
            if slot not in self._clients:
                self._clients[slot] = self.fresh_client(service, where, keys)
            return self._clients[slot]

    def fresh_client(self, service: str, region: str, keys: Keys | None) -> Any:
        """Not kept: for a proof with explicit credentials."""
        from botocore.config import Config

        config = Config(
            retries={"total_max_attempts": 1, "mode": "standard"},  # the engine repeats, and knows what may be
            connect_timeout=self._settings.connect_timeout,
            read_timeout=self._settings.read_timeout,
            max_pool_connections=POOL,
            user_agent_extra=f"nhi-revoke/{__version__}",
            tcp_keepalive=True,
        )
        with self._lock:
            return self.session().create_client(
                service,
                region_name=region,
                endpoint_url=self._settings.endpoint_urls.get(service) or self._settings.endpoint_url or None,
                config=config,
                **(keys.for_client() if keys else {}),
            )

    def forget(self, keys: Keys) -> None:
        """Drops the clients of credentials that were renewed."""
        with self._lock:
            for slot in [s for s in self._clients if s[2] == keys.key_id]:
                self._clients.pop(slot).close()

    def chain(self) -> tuple[tuple[str, ...], tuple[Keys, ...]]:
        """Role ARNs that the operator's profile assumes on its way, and the credentials that it starts from."""
        session = self.session()
        with self._lock:  # botocore walks the sources of a profile in one place: two threads at once look like a circle
            credentials = session.get_credentials()
        if credentials is None or not str(credentials.method).startswith("assume-role"):
            return (), ()
        profiles = session.full_config.get("profiles", {})
        name = str(session.get_config_variable("profile") or "default")
        roles, source = profile_chain(profiles, name)
        start = profiles.get(source, {})
        keys = _static(start) or self._sourced(str(start.get("credential_source")))
        return roles, (keys,) if keys else ()

    def _sourced(self, source: str) -> Keys | None:
        """What `credential_source` (Environment, Ec2InstanceMetadata, EcsContainer) gives."""
        resolver = self.session().get_component("credential_provider")
        for provider in resolver.providers:
            if str(getattr(provider, "CANONICAL_NAME", "")).lower() == source.lower():
                found = provider.load()
                if found is None:
                    return None
                frozen = found.get_frozen_credentials()
                return Keys(frozen.access_key, frozen.secret_key, frozen.token or "")
        return None


def profile_chain(profiles: Mapping[str, Mapping[str, Any]], name: str) -> tuple[tuple[str, ...], str]:
    """Role ARNs along `source_profile`, and the profile at the end of it. A circle ends where it closes."""
    roles: list[str] = []
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        profile = profiles.get(name, {})
        if profile.get("role_arn"):
            roles.append(str(profile["role_arn"]))
        source = profile.get("source_profile")
        if not source:
            break
        name = str(source)
    return tuple(roles), name


def _static(profile: Mapping[str, Any]) -> Keys | None:
    key_id, secret = profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")
    if not key_id or not secret:
        return None
    return Keys(str(key_id), str(secret), str(profile.get("aws_session_token") or ""))
