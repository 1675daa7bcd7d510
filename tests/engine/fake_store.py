"""The scripted vendor's store and flush."""

from __future__ import annotations

from typing import Any, ClassVar

from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Store
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from tests.engine.cloud import Cloud
from tests.engine.fake_doer import Played


class Stage(Played):
    of = "shelf"
    name: ClassVar[str] = "stage"
    phase: ClassVar[Phase] = Phase.DELIVER

    def do(self, cloud: Cloud, step: Step, run: Run) -> Json:
        assert step.takes
        place = cloud.shelf.setdefault(step.to, {})
        place.update(staged=run.take(step.takes).reveal(), by=f"{run.id}/{step.id}")
        return {"staged": True}

    def there(self, cloud: Cloud, step: Step, run: Run) -> Json | None:
        place = cloud.shelf.get(step.to, {})
        mine = place.get("by") == f"{run.id}/{step.id}" and ("staged" in place or "current" in place)
        return {"staged": True} if mine else None

    def back(self, cloud: Cloud, step: Step, left: Json) -> Json:
        cloud.shelf.get(step.to, {}).pop("staged", None)
        cloud.shelf.get(step.to, {}).pop("by", None)
        return {}


class Serve(Played):
    of = "shelf"
    name: ClassVar[str] = "serve"
    phase: ClassVar[Phase] = Phase.SERVE

    def do(self, cloud: Cloud, step: Step, run: Run) -> Json:
        place = cloud.shelf[step.to]
        place["former"] = place.get("current", "")
        place["current"] = place.pop("staged")
        return {"serves": True}

    def there(self, cloud: Cloud, step: Step, run: Run) -> Json | None:
        place = cloud.shelf.get(step.to, {})
        return {"serves": True} if place.get("current") and "staged" not in place else None


class Forget(Played):
    of = "shelf"
    name: ClassVar[str] = "forget"
    phase: ClassVar[Phase] = Phase.FINISH
    reversible: ClassVar[bool] = False

    def do(self, cloud: Cloud, step: Step, run: Run) -> Json:
        cloud.shelf[step.to].pop("former", None)
        return {"forgotten": True}

    def there(self, cloud: Cloud, step: Step, run: Run) -> Json | None:
        return None if "former" in cloud.shelf[step.to] else {"forgotten": True}


class Shelf(Store[Any]):
    name: ClassVar[str] = "shelf"
    stage = Stage()
    serve = Serve()
    forget = Forget()

    def recall(self, conn: Any, step: Step, run: Run, shape: Secret) -> Secret | None:
        conn.cloud.asked("recall", "shelf", step.to, lambda: None)
        value = conn.cloud.shelf.get(step.to, {}).get("staged")
        return Secret(value, field=shape.field, public=shape.public) if value else None


class Purge(Played):
    of = ""
    name: ClassVar[str] = "purge"
    phase: ClassVar[Phase] = Phase.FLUSH

    def do(self, cloud: Cloud, step: Step, run: Run) -> Json:
        cloud.purged.append(step.to)
        return {"purged": True}

    def there(self, cloud: Cloud, step: Step, run: Run) -> Json | None:
        return {"purged": True} if step.to in cloud.purged else None
