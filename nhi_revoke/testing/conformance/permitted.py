"""Check 10: exactly the declared permissions are enough, and each one that is missing shows."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from nhi_revoke.model.error import Trouble
from nhi_revoke.model.found import Access
from nhi_revoke.model.report import Report
from nhi_revoke.testing.conformance.crashing import chosen
from nhi_revoke.testing.conformance.declared import permissions
from nhi_revoke.testing.conformance.ending import ending, mispredicted, told
from nhi_revoke.testing.conformance.world import World


class Permitted:
    """A part of `Conformance`."""

    withheld: int | None = None
    """How many single permissions are withheld, spread evenly; None: each one."""

    def test_10_exactly_the_declared_permissions(self, world: World) -> None:
        declared = permissions(world.provider)
        report = world.run()
        whole, wanted = shown(report), ending(world, report)
        used = {c.permission for c in world.sandbox.calls() if c.by == "operator" and c.permission}

        world.restart()
        world.sandbox.allow_only(sorted(declared))
        report = world.run()
        differs = ending(world, report).differs(wanted) or (shown(report) != whole and _how(shown(report), whole))
        assert not differs, f"the declared permissions are not enough: {differs}"

        silent: list[str] = []
        each = sorted(p for p in declared if _covers(p, used))
        for missing in (each[n] for n in chosen(len(each), self.withheld)):
            world.restart()
            world.sandbox.allow_only(sorted(declared - {missing}))
            try:
                report = world.run()
            except Trouble:
                continue  # nothing could start, and that was said
            except Exception as error:  # noqa: BLE001 - one permission's failure must not hide the others'
                silent.append(f"without {missing}: {type(error).__name__}: {error}")
                continue
            if shown(report) == whole:
                silent.append(f"without {missing} the report reads as if nothing were missing")
            silent += [f"without {missing}: {said}" for said in mispredicted(world, report, only_claims=True)]
        assert not silent, told(silent)


class Shown(Struct, frozen=True):
    """What a reader of a report sees of missing rights."""

    exit_code: int
    steps: tuple[str, ...]
    blind: tuple[str, ...]
    replaced: tuple[str, ...]
    unseen: tuple[str, ...]
    """Notes on single accesses, such as a last use that could not be read."""
    not_looked_at: tuple[str, ...]
    """How often notices say so of a principal: copies of the old secret in a store, for example."""


def shown(report: Report) -> Shown:
    return Shown(
        report.exit_code,
        tuple(sorted(f"{s.does} on {s.on}: {s.result}, {s.proof or 'no proof'}" for s in report.steps)),
        (
            *sorted(f"{b.kind} on {b.on}" for b in report.blind),
            *sorted(f"{u.ref}: {u.code}" for u in report.unreachable),
        ),
        tuple(sorted(r.result for r in report.replacements)),
        tuple(sorted({f"{a.kind} on {a.on}: {a.note}" for a in _accesses(report) if "unseen" in a.note})),
        tuple(f"{on}: {often}" for on, often in sorted(_not_looked_at(report).items())),
    )


def _not_looked_at(report: Report) -> Counter[str]:
    """Counted, since what a notice names (versions, times) is another in every world."""
    found: Counter[str] = Counter()
    for notice in report.notices:
        found[str(notice.on)] += notice.says.count("unseen") + notice.says.count("not looked at")
    return +found


def _accesses(report: Report) -> list[Access]:
    return [outcome.access for outcome in report.outcomes]


def _how(less: Shown, whole: Shown) -> str:
    said = [f"{s} (not with every right)" for s in (*less.steps, *less.blind) if s not in (*whole.steps, *whole.blind)]
    return "; ".join(said) or f"{less} instead of {whole}"


def _covers(pattern: str, used: set[str]) -> bool:
    """A declared permission may be a pattern; the sandbox names plain ones. Letters' case does not matter."""
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name.lower(), pattern.lower()) for name in used)
