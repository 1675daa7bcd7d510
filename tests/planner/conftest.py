"""The same examples in every run: a red build is red for everybody."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("planner", deadline=None, derandomize=True, database=None)
settings.load_profile("planner")
