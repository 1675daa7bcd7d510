"""What `Provider.alike` and `linked` answered, by its parts: for the tests of each provider."""

from __future__ import annotations

from collections.abc import Iterable

from nhi_revoke.model.alike import Candidate
from nhi_revoke.model.found import BlindSpot


class Answered:
    """All of it, in order."""

    def __init__(self, found: Iterable[Candidate | BlindSpot]) -> None:
        self.whole = list(found)
        self.blind = [each for each in self.whole if isinstance(each, BlindSpot)]
        self.candidates = {each.name: each for each in self.whole if isinstance(each, Candidate)}

    @property
    def rules(self) -> dict[str, set[tuple[str, str, str]]]:
        """Of each by its name: field, where it stands (the tag, the member), and by which rule it resembles."""
        return {
            name: {(like.field, like.where, like.rule) for like in each.resembles}
            for name, each in self.candidates.items()
        }
