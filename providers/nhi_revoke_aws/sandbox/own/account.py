"""account:ListRegions: which Regions an account has switched on (AWS docs: API_ListRegions)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, page

DEFAULT = {"aws": ("us-east-1", "eu-central-1"), "aws-cn": ("cn-north-1",), "aws-us-gov": ("us-gov-west-1",)}
OPT_IN = {"aws": ("af-south-1", "me-central-1")}


class Regions(OwnService):
    """Two by default, two that must be opted into: enough to be read side by side, few enough for a test."""

    model: ClassVar[str] = "account"
    name: ClassVar[str] = "account"

    def __init__(self) -> None:
        self.opted: set[str] = set()
        """Opt-in Regions that are switched on."""

    def clear(self) -> None:
        self.opted.clear()

    def operations(self) -> Mapping[str, Handler]:
        return {"ListRegions": self._list}

    def _list(self, asking: Asking) -> dict[str, Any]:
        rows = [(r, "ENABLED_BY_DEFAULT") for r in DEFAULT[asking.partition]]
        rows += [(r, "ENABLED" if r in self.opted else "DISABLED") for r in OPT_IN.get(asking.partition, ())]
        wanted = set(asking.params.get("RegionOptStatusContains") or ())
        found = [{"RegionName": r, "RegionOptStatus": s} for r, s in rows if not wanted or s in wanted]
        some, token = page(found, asking, token="NextToken", size="MaxResults", default=20, most=50)
        return {"Regions": some, "NextToken": token}
