"""What the tests of AWS's consumers share: one account with little in it, and what is planted there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nhi_revoke.model.consumer import Consumer, Mark, Sought
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.identity import Delivery
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.own.holders import plant_function, plant_service, plant_task
from nhi_revoke_aws.sandbox.own.service import Scene
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT

from .conftest import USER, WORKER, Bench
from .one_kind import bench_of

HOME, AWAY = "us-east-1", "eu-central-1"
USER_ARN = f"arn:aws:iam::{ACCOUNT}:user/bots/payments-bot"
WORKER_ARN = f"arn:aws:iam::{ACCOUNT}:role/bots/payments-worker"
OTHER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/payments-ledger"
CANARY = "env-canary-" + "s" * 40
USER_REF, WORKER_REF = PrincipalRef("aws", "", USER_ARN), PrincipalRef("aws", "", WORKER_ARN)
KEPT = Delivery("aws:access-key", "aws-secretsmanager:payments/aws")


class Yard:
    """payments-bot in two Regions; nothing holds its key but what a test plants."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.bench.conn = bench.connect(regions=(HOME, AWAY))
        self.scene = Scene(bench.sandbox.world, None, None, "payments-bot", "payments-worker")  # type: ignore[arg-type]  # nobody breaks in here
        iam = bench.sandbox.admin("iam")
        keys = iam.list_access_keys(UserName="payments-bot")["AccessKeyMetadata"]
        self.key, self.spare = (str(row["AccessKeyId"]) for row in keys)
        self.name = "payments-bot"

    def client(self, service: str, region: str = HOME) -> Any:
        key_id = f"AKIAROOT{ACCOUNT}"
        return self.bench.sandbox.client(
            service, Held(key_id, self.bench.sandbox.world.gate.authority.root[key_id][1]), region
        )

    # -- what is planted -------------------------------------------------------------------------------------------

    def function(self, name: str, environment: Mapping[str, str], region: str = HOME, role: str = OTHER_ROLE) -> Any:
        return plant_function(self.scene, region, name, role, {"PASSWORD": CANARY, **environment})

    def service(self, name: str, container: Mapping[str, Any], region: str = HOME, role: str = OTHER_ROLE) -> None:
        plant_service(self.scene, region, "prod", name, role, container)

    def task(self, family: str, role: str) -> None:
        plant_task(self.scene, HOME, "prod", family, role)

    def secret(self, name: str, region: str = HOME, tags: Mapping[str, str] | None = None, about: str = "") -> str:
        """Its ARN."""
        made = self.client("secretsmanager", region).create_secret(
            Name=name, SecretString=f'{{"a": "{CANARY}"}}', Description=about,
            Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        )  # fmt: skip
        return str(made["ARN"])

    def parameter(self, name: str, region: str = HOME, about: str = "") -> None:
        self.client("ssm", region).put_parameter(Name=name, Value=CANARY, Type="SecureString", Description=about)

    def arn_of(self, secret: str, region: str = HOME) -> str:
        return str(self.bench.sandbox.world.moto.secret_arn(ACCOUNT, region, secret))

    # -- what is seen ----------------------------------------------------------------------------------------------

    def marks(self, *principals: str) -> tuple[Mark, ...]:
        out: list[Mark] = []
        for text in principals or (USER, WORKER):
            who = self.bench.resolve(text)
            kinds = ("aws:access-key", "aws:service-credential", "aws:ssh-key")
            found = [
                one for name in kinds if who.kind == "user"
                for one in self.bench.kinds[name].collect(self.bench.conn, self.bench.ref(text), self.bench.io)
            ]  # fmt: skip
            out += self.bench.provider.marks(who, [one for one in found if isinstance(one, Access)])
        return tuple(out)

    def sought(self, *delivered: Delivery, principals: tuple[str, ...] = (USER, WORKER)) -> Sought:
        whom = tuple(self.bench.resolve(text) for text in principals)
        return Sought(self.name, whom, self.marks(*principals), delivered)

    def look(self, *delivered: Delivery, conn: Any = None) -> list[Consumer | BlindSpot]:
        sought = self.sought(*delivered)
        self.bench.sandbox.forget_calls()
        found = list(self.bench.provider.consumers(conn or self.bench.conn, sought))
        assert self.bench.writes() == []
        assert CANARY not in repr(found)
        return found

    def consumers(self, *delivered: Delivery) -> list[Consumer]:
        """Raises AssertionError where something was not seen. Without what the seeded world has by itself."""
        found = self.look(*delivered)
        assert counted(found) == []
        return [one for one in found if isinstance(one, Consumer) and not one.what.startswith("Caller of")]

    def spots(self, *delivered: Delivery) -> list[BlindSpot]:
        return counted(self.look(*delivered))


def counted(found: Iterable[Consumer | BlindSpot]) -> list[BlindSpot]:
    """What was not seen. What is never looked at is said besides."""
    return [one for one in found if isinstance(one, BlindSpot) and one.counts]


@contextmanager
def yard_of(folder: Path) -> Iterator[Yard]:
    with bench_of(folder) as bench:
        yield Yard(bench)
