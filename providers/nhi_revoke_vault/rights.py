"""What the operator may do in a Vault: a policy to hand over. What holds for one path, each plan asks by itself.

Vault docs: concepts/policies (HCL, one `path` each), api-docs/system/capabilities-self.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nhi_revoke.model.right import Document, Holding, Stage
from nhi_revoke_vault.connection import VaultConnection
from nhi_revoke_vault.permissions import CAPABILITIES

CHECK = "sys/capabilities-self"
PLACE = "MOUNT"
BY_PATH = "of each path by itself: a plan asks it for those that it delivers to"


def documents(stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
    """One policy, with placeholders for the paths that are delivered to."""
    by_path: dict[str, list[str]] = {}
    for each in sorted(permissions):
        capability, _, path = each.partition(" ")
        by_path.setdefault(path, []).append(capability)
    rules = [f'path "{path}" {{\n  capabilities = [{_quoted(had)}]\n}}\n' for path, had in sorted(by_path.items())]
    if rules:
        yield Document(
            "policy",
            f"nhi-revoke-{stage}.hcl",
            "text/plain",
            "\n".join(rules),
            "Put the mounts and paths that are delivered to where MOUNT and PATH stand (a folder as `team/*`), then "
            f"vault policy write nhi-revoke-{stage} FILE.",
            tuple(sorted(permissions)),
        )


def holds(conn: VaultConnection, permissions: Sequence[str]) -> Iterable[Holding]:
    """What stands at a path of its own is asked; the rest is of each address. Raises Denied where it may not ask."""
    fixed = [each for each in permissions if PLACE not in each]
    told = conn.capabilities(each.partition(" ")[2] for each in fixed) if fixed else {}
    for each in fixed:
        capability, _, path = each.partition(" ")
        had = told.get(path, frozenset())
        # Whoever was answered could ask: Vault tells so of no path but this one.
        held = each == CAPABILITIES or bool(had & {capability, "root"})
        yield Holding(each, "held" if held else "missing", CHECK)
    yield from (Holding(each, "unknown", CHECK, BY_PATH, True) for each in permissions if PLACE in each)


def _quoted(capabilities: Sequence[str]) -> str:
    return ", ".join(f'"{each}"' for each in capabilities)
