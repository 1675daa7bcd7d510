"""A provider with one store that shows nothing of what it was given: only its answer tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.contract import TargetProvider
from nhi_revoke.provider.doer import Doer, Store
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.secret import Secret
from tests.engine.cloud import Cloud
from tests.engine.fake_doer import Conn, Played


class Look(Played):
    of = "post"
    name: ClassVar[str] = "stage"
    phase: ClassVar[Phase] = Phase.DELIVER

    def do(self, cloud: Cloud, step: Step, run: Run) -> Json:
        return {"unwritten": "nothing is staged", "unread": "it tells nothing"}

    def there(self, cloud: Cloud, step: Step, run: Run) -> Json | None:
        return run.left(step.id) or None

    def back(self, cloud: Cloud, step: Step, left: Json) -> Json:
        return {}


class Send(Played):
    of = "post"
    name: ClassVar[str] = "serve"
    phase: ClassVar[Phase] = Phase.SERVE
    reversible: ClassVar[bool] = False
    shows: ClassVar[bool] = False

    def do(self, cloud: Cloud, step: Step, run: Run) -> Json:
        assert step.takes
        box = cloud.shelf.setdefault(f"post:{step.to}", {})
        box[f"{len(box) + 1}"] = run.take(step.takes).reveal()
        return {"taken": True}

    def there(self, cloud: Cloud, step: Step, run: Run) -> Json | None:
        left = run.left(step.id)
        return left if "taken" in left else None


class Post(Store[Any]):
    name: ClassVar[str] = "post"
    beside: ClassVar[bool] = False
    stage = Look()
    serve = Send()

    def recall(self, conn: Any, step: Step, run: Run, shape: Secret) -> Secret | None:
        return None


class Mail(TargetProvider[Any]):
    name: ClassVar[str] = "mail"
    title: ClassVar[str] = "Mail"

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def targets(self) -> Sequence[Store[Any] | Doer[Any]]:
        return (Post(),)

    def connect(self, scope: str, settings: Any, io: Io) -> Any:
        return Conn(self.cloud, scope)

    def on_loopback(self, settings: Any) -> bool:
        return True
