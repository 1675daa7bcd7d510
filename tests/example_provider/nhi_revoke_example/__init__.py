"""Example Cloud: an invented vendor, and a provider for it as a stranger would write one.

It imports `nhi_revoke.provider` and `nhi_revoke.model` alone. Bots have tokens (keys), sessions minted with them,
and trusts: which other bots may mint sessions on them. A vault takes replacements, a cache must be flushed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.alike import Candidate, Pointer, Resemblance
from nhi_revoke.model.found import BlindSpot, Leak
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.liveness import Liveness
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.right import Document, Holding, Stage
from nhi_revoke.provider.contract import Provider, Settings
from nhi_revoke.provider.doer import Doer, Store
from nhi_revoke.provider.fault import Denied, Unauthenticated
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke.provider.loopback import is_loopback
from nhi_revoke.provider.recognised import Recognised
from nhi_revoke.provider.resembling import resemblance
from nhi_revoke.provider.secret import Secret
from nhi_revoke_example.cache import Flush
from nhi_revoke_example.connection import Cloud
from nhi_revoke_example.sandbox import ExampleSandbox
from nhi_revoke_example.sessions import Sessions
from nhi_revoke_example.tokens import Tokens
from nhi_revoke_example.trusts import Trusts
from nhi_revoke_example.vault import Vault


class ExampleSettings(Settings, frozen=True, forbid_unknown_fields=True):
    """`[example]` of nhi.toml."""

    url: str = "https://api.example.com"
    token: str = ""
    """The operator's own."""


class Example(Provider[Cloud]):
    name: ClassVar[str] = "example"
    title: ClassVar[str] = "Example Cloud"
    settings: ClassVar[type[Settings]] = ExampleSettings
    principal_kinds: ClassVar[tuple[str, ...]] = ("bot",)
    finds: ClassVar[tuple[str, ...]] = ("bots.find", "trusts.list")

    def kinds(self) -> Sequence[AccessKind[Cloud]]:
        return (Tokens(), Sessions(), Trusts())

    def targets(self) -> Sequence[Store[Cloud] | Doer[Cloud]]:
        return (Vault(), Flush())

    def parse(self, text: str) -> PrincipalRef | None:
        kind, _, name = text.partition("/")
        if kind == "bot" and name:
            return PrincipalRef(self.name, "bot", name)
        return PrincipalRef(self.name, "bot", text) if text.startswith("bot_") else None

    def kind_of(self, ref: PrincipalRef) -> tuple[str, ...]:
        return ("bot",)

    def scope_of(self, ref: PrincipalRef, settings: Any) -> str:
        return ""

    def connect(self, scope: str, settings: Any, io: Io) -> Cloud:
        return Cloud(scope, settings.url, settings.token, io)

    def resolve(self, conn: Cloud, ref: PrincipalRef) -> Principal:
        bot = conn.call("GET", f"/bots/{ref.id}")
        return Principal(
            PrincipalRef(self.name, "bot", bot["name"]),
            kind="bot",
            name=bot["name"],
            scope=bot["org"],
            unique_id=bot["id"],
            typed=str(ref),
            aliases=(f"{bot['org']}/{bot['name']}",),
            untouchable="Example Cloud runs this bot itself: ask its support" if bot["managed"] else None,
        )

    def find(self, conn: Cloud, name: str) -> Iterable[PrincipalRef]:
        return (PrincipalRef(self.name, "bot", bot["name"]) for bot in conn.pages("/bots", "bots", name=name))

    def alike(self, conn: Cloud, name: str) -> Iterable[Candidate | BlindSpot]:
        for bot in conn.pages("/bots", "bots"):
            if like := resemblance(name, str(bot["name"]), "name", "GET /bots"):
                yield from self._candidate(conn, bot, like)

    def _candidate(
        self, conn: Cloud, bot: dict[str, str], like: tuple[Resemblance, ...]
    ) -> Iterable[Candidate | BlindSpot]:
        ref, points = PrincipalRef(self.name, "bot", bot["name"]), list[Pointer]()
        try:
            for trust in conn.pages(f"/bots/{ref.id}/trusts", "trusts"):
                org, _, other = trust["bot"].rpartition(":")
                points.append(Pointer((f"{org or bot['org']}/{other}",), "its trust", "GET /bots/…/trusts"))
        except Denied as fault:
            yield BlindSpot(ref, "alike", f"whom {ref.id} trusts: {fault.message}", fault.needs)
        yield Candidate(
            ref, "bot", ref.id, bot["org"], bot["id"], like, aliases=(f"{bot['org']}/{ref.id}",), marks=(bot["id"],),
            points=tuple(points),
        )  # fmt: skip

    def linked(self, conn: Cloud, around: Sequence[Candidate]) -> Iterable[Candidate | BlindSpot]:
        """Bots that one of these trusts; these themselves, where only the map told of them."""
        named = {text for each in around for pointer in each.points for text in pointer.to}
        named |= {f"{each.scope}/{each.name}" for each in around if not each.resembles}
        for bot in conn.pages("/bots", "bots") if named else ():
            if f"{bot['org']}/{bot['name']}" in named:
                yield from self._candidate(conn, bot, ())

    def recognise(self, text: str) -> Iterable[Recognised]:
        """By shape alone, so that nothing but a token is one."""
        for m in re.finditer(r"(?<![\w.-])(tok_\d{4,8})\.[a-z0-9]+(?:-[a-z0-9]+)+(?![\w.-])", text):
            value = Secret(m[0], field="token", public={"id": m[1]})
            yield Recognised(Leak("example:token", m[1], None, f"token {m[1]}"), value, m.start(), m.end())

    def alive(self, found: Recognised, settings: Any, io: Io) -> Liveness:
        assert found.value is not None
        try:
            me = Cloud("", settings.url, "", io).call_as(found.value.reveal(), "GET", "/me")
        except Unauthenticated:
            return Liveness("dead", "GET /me refuses it")
        return Liveness("alive", "GET /me names the bot", PrincipalRef(self.name, "bot", me["bot"]), "org-1")

    def leaks(self, text: str) -> Iterable[tuple[Leak, Secret]]:
        found = re.finditer(r"(tok_\w+)\.[\w-]+", text)
        return ((Leak("example:token", m[1]), Secret(m[0], field="token", public={"id": m[1]})) for m in found)

    def documents(self, stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
        text = json.dumps({"permissions": sorted(permissions)}, indent=2) + "\n"
        hand_in = "Example Cloud takes it at Admin > Roles > Import."
        yield Document("role", f"{stage}.json", "application/json", text, hand_in, tuple(sorted(permissions)))

    def holds(self, conn: Cloud, permissions: Sequence[str]) -> Iterable[Holding]:
        had = conn.call("GET", "/allowed")["permissions"]
        return (Holding(p, "held" if p in had else "missing", "GET /allowed") for p in permissions)

    def on_loopback(self, settings: Any) -> bool:
        return is_loopback(settings.url)

    def sandbox(self) -> ExampleSandbox:
        return ExampleSandbox()


provider = Example()
