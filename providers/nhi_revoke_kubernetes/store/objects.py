"""Secrets of one namespace, asked of Kubernetes: the one that workloads read, and the one that keeps former values.

Kubernetes docs: reference/using-api/api-concepts (a patch that names a resourceVersion is refused with 409 where the
object has another; `fieldManager`; a merge patch takes a key away by null).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nhi_revoke.provider.fault import Conflict, Missing, Rejected
from nhi_revoke_kubernetes.connection import KubernetesConnection
from nhi_revoke_kubernetes.permissions import CREATE_SECRET, DELETE_SECRET, GET_SECRET, LIST_SECRETS, PATCH_SECRET
from nhi_revoke_kubernetes.store.address import Address
from nhi_revoke_kubernetes.store.held import MARK, Held, held_in

CORE = "CoreV1Api"
AT_ONCE, LOOKED = 100, 1000
"""How many Secrets a page has, and about how many are looked at."""
MERGE = "application/merge-patch+json"
OURS = {"app.kubernetes.io/managed-by": "nhi-revoke"}


class Objects:
    """Safe on several threads, as the connection is."""

    def __init__(self, conn: KubernetesConnection, at: Address) -> None:
        self._conn, self.at = conn, at

    def read(self, name: str = "") -> Held | None:
        """By default the one that workloads read. None where there is none. Raises Denied."""
        name = name or self.at.name
        try:
            return held_in(self._ask("read_namespaced_secret", name, needs=GET_SECRET, verb="get"))
        except Missing:
            return None

    def listed(self) -> tuple[list[tuple[str, Held]], bool]:
        """Every Secret of the namespace, with its name; whether there are more than are looked at. Raises Denied."""
        found: list[tuple[str, Held]] = []
        token: dict[str, Any] = {}
        while len(found) < LOOKED:
            page = self._ask("list_namespaced_secret", "", needs=LIST_SECRETS, verb="list", limit=AT_ONCE, **token)
            found += [(str(row["metadata"]["name"]), held_in(row)) for row in page.get("items") or ()]
            if not (following := str((page.get("metadata") or {}).get("continue") or "")):
                return found, False
            token = {"_continue": following}
        return found, True

    def patch(self, data: Mapping[str, str | None], over: str, *, mark: str, manager: str, name: str = "") -> None:
        """Puts these keys in, in base64, or takes them away (None). `over`: the resourceVersion that it still has to
        have. Raises Conflict where it has another, and NoAnswer: it is never sent twice.
        """
        body = {"metadata": {"resourceVersion": over, "annotations": {MARK: mark}}, "data": dict(data)}
        self._ask(
            "patch_namespaced_secret", name or self.at.name, needs=PATCH_SECRET, verb="patch",
            body=body, field_manager=manager, _content_type=MERGE,
        )  # fmt: skip

    def keep(self, former: str, present: Held, keys: Iterable[str], *, run: str, manager: str) -> str:
        """The Secret `former` holds what `present` has of these keys, and nothing else; its name. Empty where it has
        none of them: then there is no such Secret. Raises Rejected where it is somebody else's.
        """
        data = {key: present.data[key] for key in keys if key in present.data}
        if not data:
            self.drop(former, run=run)
            return ""
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": {
                "name": former,
                "labels": OURS,
                "annotations": {MARK: run, "nhi-revoke/former-values-of": self.at.name},
            },
            "data": data,
        }
        try:  # a name of this run's own: it may be made twice, and is then found
            self._ask(
                "create_namespaced_secret", former, needs=CREATE_SECRET, verb="create", again=True,
                body=body, field_manager=manager,
            )  # fmt: skip
        except Conflict as taken:
            there = self.read(former)
            if there is None or there.marked != run:
                why = f"Secret {self.at.namespace}/{former} is somebody else's: nothing was written"
                raise Rejected(why, code=taken.code) from None
            if dict(there.data) != data:
                changes: dict[str, str | None] = {**dict.fromkeys(there.data), **data}
                self.patch(changes, there.version, mark=run, manager=manager, name=former)
        return former

    def drop(self, former: str, *, run: str) -> bool:
        """Deletes it, if it is that run's. Safe to repeat. Whether there was one."""
        there = self.read(former)
        if there is None or there.marked != run:
            return False
        try:
            body = {"preconditions": {"resourceVersion": there.version}}
            self._ask("delete_namespaced_secret", former, needs=DELETE_SECRET, verb="delete", again=True, body=body)
        except Missing:
            return False
        return True

    def _ask(
        self, method: str, name: str, *, needs: str, verb: str, again: bool | None = None, **more: Any
    ) -> dict[str, Any]:
        named = () if method.startswith(("create_", "list_")) else (name,)
        what = f"{verb} secrets{'/' if name else ''}{name} -n {self.at.namespace}"
        return self._conn.ask(CORE, method, *named, self.at.namespace, needs=needs, what=what, again=again, **more)
