"""In which order the reads of several vendors are begun."""

from __future__ import annotations

from collections.abc import Iterator

from nhi_revoke.engine.inventory import in_turn


def test_each_line_has_its_turn() -> None:
    """So that one vendor's forty first reads keep no other vendor's first one waiting."""
    begun: list[str] = []

    def line(name: str, many: int) -> Iterator[str]:
        for number in range(many):
            begun.append(f"{name}{number}")
            yield begun[-1]

    told = in_turn([line("a", 3), line("b", 1), line("c", 2)])
    assert next(told) == "a0"
    assert begun == ["a0"], "nothing is begun before its turn"
    assert [*told] == ["b0", "c0", "a1", "c1", "a2"]
