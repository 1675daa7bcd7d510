"""What the intruder holds: two keys, an HMAC key, two API keys, two tokens, and two ways to become the account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from nhi_revoke.provider.sandbox.http_door import HttpDoor
from nhi_revoke_gcp.access.api_keys import KIND as API_KEY
from nhi_revoke_gcp.access.hmac_keys import KIND as HMAC
from nhi_revoke_gcp.policy import Trust
from nhi_revoke_gcp.pool_member import pool_member
from nhi_revoke_gcp.sandbox import scene_above, seed
from nhi_revoke_gcp.sandbox.api_keys import ApiKey
from nhi_revoke_gcp.sandbox.gate import INTRUDER, GcpGate
from nhi_revoke_gcp.sandbox.hmac_signing import signed
from nhi_revoke_gcp.sandbox.plant_secret import plant_secret
from nhi_revoke_gcp.sandbox.pools import HOST
from nhi_revoke_gcp.sandbox.routes import GRANT
from nhi_revoke_gcp.sandbox.routes_pools import EXCHANGE
from nhi_revoke_gcp.sandbox.state import Account, Cloud, HmacKey, Key, Token
from nhi_revoke_gcp.stopping import IMPERSONATION, KEY, RIGHTS, standing
from nhi_revoke_gcp.workload_stopping import PROVIDER, access_of
from nhi_revoke_gcp.workload_stopping import standing as federated
from nhi_revoke_gcp.workloads import workload_ref

REFUSED_GRANTS = frozenset({"invalid_grant"})


class GcpDoor(HttpDoor, frozen=True):
    def refused(self, answer: httpx.Response) -> bool:
        """At the token endpoint by an OAuth error; of an API key by a reason."""
        error = answer.json().get("error") if answer.status_code == 400 else None
        by_grant = isinstance(error, str) and error in REFUSED_GRANTS
        return super().refused(answer) or by_grant or is_no_api_key(error)


class Scene:
    """`plant` fills the project, and adds doors and meddlings."""

    def __init__(
        self, cloud: Cloud, gate: GcpGate, client: httpx.Client, url: str, now: Callable[[], datetime]
    ) -> None:
        self.cloud, self.gate, self.client, self.url, self.now = cloud, gate, client, url, now
        self.doors: list[GcpDoor] = []
        self.meddlings: dict[str, Callable[[], Any]] = {}
        self.has_bound = True
        """Whether the intruder has bound an API key of its own."""
        self.then = seed.long_ago(now())
        self.account = cloud.new_account(seed.NAME, seed.PROJECT, self.then)
        self.runner = cloud.new_account(seed.RUNNER, seed.PARTNER, self.then)
        self.member = f"serviceAccount:{self.account.email}"

    @property
    def first(self) -> Key:
        """The key that the workload uses."""
        return first_key(self.account)

    # -- ways in ---------------------------------------------------------------------------------------------------

    def door(
        self, name: str, kind: str, says: str, access: str, tries: Callable[[], Sequence[Mapping[str, Any]]]
    ) -> None:
        self.doors.append(GcpDoor(f"gcp/{name}", kind, says, access, tries, self.client))

    def key_door(self, name: str, says: str, key: Key) -> None:
        """An assertion is signed anew for each try, by Google's own library."""
        access = f"{KEY}/{self.account.email}/{key.id}"
        self.door(name, "key", says, access, lambda: [self.asserting(self.account, key)])

    def hmac_door(self, name: str, says: str, key: HmacKey) -> None:
        """Signed anew for each try."""
        path, host = "/_xml/payments-ledger/ledger.csv", self.url.partition("://")[2]

        def tries() -> list[dict[str, Any]]:
            headers = signed(key.access_id, key.secret, host, path, self.now())
            return [{"method": "GET", "url": f"{self.url}{path}", "headers": {**headers, "User-Agent": INTRUDER}}]

        self.door(name, "hmac-key", says, f"{HMAC}/{key.project}/{key.access_id}", tries)

    def api_key_door(self, name: str, says: str, key: ApiKey) -> None:
        """At an API that takes keys of an account."""
        request = {
            "method": "POST",
            "url": f"{self.url}/v1/publishers/google/models/gemini-2.5-flash:generateContent",
            "headers": {"x-goog-api-key": key.string, "User-Agent": INTRUDER},
            "json": {"contents": [{"role": "user", "parts": [{"text": "Where is the ledger?"}]}]},
        }
        self.door(name, "api-key", says, f"{API_KEY}/{key.uid}", lambda: [request])

    def token_door(self, name: str, kind: str, says: str, token: Token, access: str = "") -> None:
        """At an API that takes tokens. `access`: another one than what stands for all tokens of the account."""
        self.gate.stolen.add(token.value)
        headers = {"Authorization": f"Bearer {token.value}"}
        request = {"method": "GET", "url": f"{self.url}/storage/v1/b/payments-ledger/o", "headers": headers}
        access = access or standing(self.account.project, self.account.unique_id)
        self.door(name, kind, says, access, lambda: [request])

    def becoming(self, name: str, kind: str, says: str, member: str, trust: Trust, access: str = "") -> None:
        """Another principal, whose own token the intruder has anew each time, asks for one of the account."""
        token = self.cloud.new_token(member, self.now(), lives=10 * 365 * seed.A_DAY)
        self.gate.stolen.add(token.value)
        request = self._becoming(token.value)
        access = access or f"{IMPERSONATION}/{self.account.email}/{trust.hash}"
        self.door(name, kind, says, access, lambda: [request])

    def minting_door(self, name: str, says: str, other: Account) -> None:
        """A live token of the account, by which tokens of another one are made."""
        token = self.cloud.new_token(self.member, self.now(), key=self.first.id)
        self.gate.stolen.add(token.value)
        request = self._becoming(token.value, other)
        access = f"{RIGHTS}/{self.account.project}/{self.account.unique_id}/*"
        self.door(name, "minting-by-token", says, access, lambda: [request])

    def federated(self, name: str, says: str, trust: Trust) -> None:
        """A job of the repository: its forge's token for one of the pool, and with that one of the account."""

        def tries() -> list[dict[str, Any]]:
            asked = self._exchanging()
            answer = self.client.request(**asked)
            if answer.status_code != 200:
                return [asked]
            return [self._becoming(str(answer.json()["access_token"]))]

        self.door(name, "federation", says, f"{IMPERSONATION}/{self.account.email}/{trust.hash}", tries)

    def _exchanging(self) -> dict[str, Any]:
        form = {
            "grantType": EXCHANGE, "audience": f"//{HOST}/{seed.POOL}/providers/{seed.FORGE}",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
            "subjectToken": self._job(),
            "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
        }  # fmt: skip
        return {"method": "POST", "url": f"{self.url}/v1/token", "json": form, "headers": {"User-Agent": INTRUDER}}

    def _job(self) -> str:
        return seed.job_token(self.cloud, self.now())

    def _becoming(self, token: str, whom: Account | None = None) -> dict[str, Any]:
        return {
            "method": "POST",
            "url": f"{self.url}/v1/projects/-/serviceAccounts/{(whom or self.account).email}:generateAccessToken",
            "headers": {"Authorization": f"Bearer {token}"},
            "json": {"scope": ["https://www.googleapis.com/auth/cloud-platform"]},
        }

    def asserting(self, account: Account, key: Key) -> dict[str, Any]:
        """A request for a token of an account, with one of its keys."""
        return asserted(self.url, self.cloud.key_file(account, key, f"{self.url}/token"), INTRUDER)

    # -- planting --------------------------------------------------------------------------------------------------

    def plant(self) -> tuple[str, ...]:
        """Its doors, and those of what is around it; the principals (canonical).

        Meddlings: `new-key`, `enable`, `enable-key`, `delete-key`, `undelete-api-key`, `activate-hmac-key`,
        `new-binding`, `edit-policy`.
        """
        cloud, account, then, now = self.cloud, self.account, self.then, self.now()
        cloud.new_key(account, then, type="SYSTEM_MANAGED")
        exposed = cloud.new_key(account, then, reason="EXPOSED", mark="EXPOSED")
        exposed.disabled.set(True, then + seed.A_DAY, 0.0)
        first, second = cloud.new_key(account, then), cloud.new_key(account, now - seed.A_DAY)
        cloud.used[first.id], cloud.used[exposed.id] = now - 2 * seed.A_DAY, then
        plant_secret(cloud, account, first, f"{self.url}/token", then)
        self.key_door("key", "the account's key, copied from a build machine", first)
        self.key_door("second-key", "a key that the intruder made for the account", second)
        cloud.used[account.email] = cloud.used[first.id]
        hmac_key = cloud.new_hmac_key(account, then)
        cloud.new_hmac_key(account, then).state.set("INACTIVE", then + seed.A_DAY, 0.0)
        cloud.new_hmac_key(self.runner, then)
        self.hmac_door("hmac-key", "an HMAC key of the account, copied from a backup job", hmac_key)
        self._api_keys()
        runner = f"serviceAccount:{self.runner.email}"
        creator, jobs = Trust(seed.CREATOR, runner), Trust(seed.FEDERATED, seed.JOBS)
        until = Trust(seed.FEDERATED, seed.JOB, seed.CONDITION)
        seed.bind(cloud, account, seed.USER, seed.LEAD, then)
        seed.bind(cloud, account, "roles/viewer", seed.LEAD, then)
        seed.pool(cloud, then)
        for trust in (creator, jobs, until):
            seed.bind(cloud, account, trust.role, trust.member, then, trust.expression)
        self.becoming("impersonation", "impersonation", "a partner's account that may become it", runner, creator)
        self.federated("federation", "a job of a repository that may become it", until)
        scene_above.plant(self)
        member = f"serviceAccount:{account.email}"
        by_key = cloud.new_token(member, now, key=first.id)
        self.token_door("key-token", "token-by-key", "a live token, had with a key", by_key)
        self.token_door(
            "become-token", "token-by-impersonation", "a live token, had by becoming it", cloud.new_token(member, now)
        )
        self.meddlings |= {
            "new-key": self._late_key,
            "enable": lambda: account.disabled.set(False, self.now(), 0.0),
            "enable-key": lambda: first.disabled.set(False, self.now(), 0.0),
            "activate-hmac-key": lambda: hmac_key.state.set("ACTIVE", self.now(), 0.0),
            "delete-key": lambda: first.there.set(False, self.now(), 0.0),
            "new-binding": self._late_binding,
            "edit-policy": lambda: seed.bind(cloud, account, "roles/viewer", "user:other@example.com", self.now()),
        }
        return (f"gcp:sa/{account.email}",)

    def _api_keys(self) -> None:
        """One in the account's own project, one planted in another; and what is none of its own, or deleted."""
        book, then, now, mine, other = self.cloud.api_keys, self.then, self.now(), seed.PROJECT, seed.PARTNER
        book.projects.update(seed.NUMBERS)
        used = book.make(mine, self.account.email, then, restrictions=seed.AI_ALONE, display_name="assistant")
        old = book.make(mine, self.account.email, then, restrictions=seed.AI_ALONE)
        book.delete(old, now - seed.A_DAY, 0.0, 0.0)
        for project, email in ((mine, ""), (mine, self.runner.email), (other, self.runner.email)):
            book.make(project, email, then, restrictions=seed.AI_ALONE)
        self.cloud.secrets += [key.string for key in book.keys.values()]
        self.api_key_door("api-key", "an API key of the account, copied from an app's configuration", used)
        if self.has_bound:
            planted = book.make(other, self.account.email, now - seed.A_DAY, restrictions=seed.AI_ALONE)
            self.cloud.secrets.append(planted.string)
            says = "an API key that the intruder bound to it, in a partner's project"
            self.api_key_door("planted-api-key", says, planted)
        self.meddlings["undelete-api-key"] = lambda: book.undelete(used, self.now(), 0.0, 0.0)

    def plant_workload(self) -> tuple[str, ...]:
        """Two doors more; the workload (canonical). Meddlings: `enable-pool`, `enable-provider`, `delete-pool`."""
        who = pool_member(seed.JOBS)
        assert who is not None
        pool = self.cloud.pools.by_name[seed.POOL]
        provider = pool.providers[seed.FORGE]
        self.door(
            "exchange", "exchange", "a job of the repository gets a federated token",
            access_of(PROVIDER, f"{seed.POOL}/providers/{seed.FORGE}", who), lambda: [self._exchanging()],
        )  # fmt: skip
        member = self.cloud.pools.exchanged(self._exchanging()["json"]["audience"], self._job(), self.now())
        token = self.cloud.new_token(member, self.now())
        says = "a live federated token, which the workload's rights are used with"
        self.token_door("federated-token", "federated-token", says, token, federated(who))
        self.meddlings |= {
            "enable-pool": lambda: pool.disabled.set(False, self.now(), 0.0),
            "enable-provider": lambda: provider.disabled.set(False, self.now(), 0.0),
            "delete-pool": lambda: setattr(pool, "deleted", self.now()),
        }
        return (str(workload_ref(who)),)

    def _late_key(self) -> None:
        key = self.cloud.new_key(self.account, self.now())
        self.key_door("late-key", "a key that was made during the run", key)

    def _late_binding(self) -> None:
        late = self.cloud.new_account("late-runner", seed.PARTNER, self.now())
        trust = Trust(seed.CREATOR, f"serviceAccount:{late.email}")
        seed.bind(self.cloud, self.account, trust.role, trust.member, self.now())
        self.becoming("late-impersonation", "impersonation", "a trust written during the run", trust.member, trust)


def is_no_api_key(error: Any) -> bool:
    """A key that there is not is told with a status that is no refusal anywhere else."""
    details = error.get("details") or () if isinstance(error, dict) else ()
    return any(each.get("reason") == "API_KEY_INVALID" for each in details)


def asserted(url: str, file: Mapping[str, str], agent: str) -> dict[str, Any]:
    """A request for a token with a key file, as `agent`."""
    from google.oauth2 import service_account

    signer = service_account.Credentials.from_service_account_info(dict(file), scopes=["cloud-platform"])
    assertion = signer._make_authorization_grant_assertion().decode()  # what its `refresh` sends
    form = {"grant_type": GRANT, "assertion": assertion}
    return {"method": "POST", "url": f"{url}/token", "data": form, "headers": {"User-Agent": agent}}


def first_key(account: Account) -> Key:
    """The one that the workload uses."""
    return next(key for key in account.listed() if key.type == "USER_MANAGED" and not key.reason)
