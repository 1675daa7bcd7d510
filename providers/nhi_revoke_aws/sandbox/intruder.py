"""The intruder: which doors they hold, and what they do while the responder works."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from nhi_revoke.provider.sandbox.contract import Door
from nhi_revoke_aws.sandbox.asked import Asked, Signed
from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.doors import Burglar, StolenDoor
from nhi_revoke_aws.sandbox.seed import LEDGER, PATH, USER, WORKER, Loot, allow

if TYPE_CHECKING:
    from nhi_revoke_aws.sandbox.world import World

CUT = "NHIRevoke"


class Intruder:
    def __init__(self, world: World, burglar: Burglar, loot: Loot, planted: Sequence[Door] = ()) -> None:
        self._world = world
        self._burglar = burglar
        self.loot = loot
        self._more: list[Door] = list(planted)
        self._acts: dict[str, Callable[[], None]] = {
            "new-key": self._new_key,
            "detach-cut": self._detach_cut,
            "reenable-key": self._reenable_key,
            "foreign-policy": self._foreign_policy,
            "trust-anyone": self._trust_anyone,
            "mint-session": self._mint_session,
        }

    def learn(self, acts: Mapping[str, Callable[[], None]]) -> None:
        """What the services of the sandbox let the intruder do besides."""
        self._acts |= acts

    def meddle(self, what: str) -> None:
        """Raises ValueError for what it does not know."""
        if what not in self._acts:
            raise ValueError(f"the AWS intruder does not know {what!r}: one of {', '.join(sorted(self._acts))}")
        self._acts[what]()

    # -- doors -----------------------------------------------------------------------------------------------------

    def doors(self) -> tuple[Door, ...]:
        loot, b, world = self.loot, self._burglar, self._world
        key, spare = f"aws:access-key/{loot.key.key_id}", f"aws:access-key/{loot.spare.key_id}"
        where = world.account
        user, worker = f"aws:user-session/{where}/{USER}/*", f"aws:role-session/{where}/{WORKER}/*"
        login = f"aws:login-profile/{where}/{USER}"
        ledger = f"aws:{self._arn('/', LEDGER)}"
        worker_arn = self._arn(PATH, WORKER)

        def door(kind: str, says: str, access: str, walk: Callable[[], None]) -> StolenDoor:
            return StolenDoor(f"aws/{kind}", kind, says, access, walk)

        return (
            door("active-key", "the leaked access key itself", key, lambda: b.use(loot.key)),
            door("inactive-key", "the other key, switched off before", spare, lambda: b.use(loot.spare)),
            door("get-session-token", "a 36-hour session of the user", user, lambda: b.use(loot.session_token)),
            door("get-federation-token", "a federated session", user, lambda: b.use(loot.federation_token)),
            door(
                "login-profile",
                "the console password, typed anew",
                login,
                lambda: b.sign_in_and_use(where, USER, loot.password),
            ),
            door("console-session", "a console session that is open", user, lambda: b.use(loot.console)),
            door("aws-login", "aws login, refreshing itself", user, lambda: b.refresh_and_use(loot.refresh_token)),
            door("assume-role", "a session of the worker role", worker, lambda: b.use(loot.worker)),
            door(
                "assume-role-again",
                "a new session of the worker role, with the key",
                key,
                lambda: b.assume_and_use(loot.key, worker_arn, "again"),
            ),
            door(
                "minted-after",
                "a new session of the worker role, with the user's old session",
                user,
                lambda: b.assume_and_use(loot.session_token, worker_arn, "after"),
            ),
            door("chained", "a session of a role that the worker may become", ledger, lambda: b.use(loot.ledger)),
            *self._more,
        )

    def _arn(self, path: str, role: str) -> str:
        return f"arn:{self._world.partition}:iam::{self._world.account}:role{path}{role}"

    # -- meddling --------------------------------------------------------------------------------------------------

    def _new_key(self) -> None:
        """With more rights than the bot's own: somebody bought them an administrator."""
        iam = self._world.moto.iam(self._world.account)
        with self._world.moto.lock:
            keys = iam.list_access_keys(USER)
            idle = [k.access_key_id for k in keys if k.status != "Active"]
            if len(keys) > 1 and not idle:
                raise RuntimeError("the intruder finds no free slot: both keys are active")
            if len(keys) > 1:
                iam.delete_access_key(idle[0], USER)
            made = iam.create_access_key(USER)
        held = Held(made.access_key_id, made.secret_access_key)
        self._wrote("CreateAccessKey", f"<AccessKeyId>{held.key_id}</AccessKeyId>", UserName=USER)
        self._world.gate.parties.stolen.add(held.key_id)
        self._more.append(
            StolenDoor(
                f"aws/new-key-{len(self._more)}",
                "new-key",
                "a key that the intruder made",
                f"aws:access-key/{held.key_id}",
                lambda: self._burglar.use(held),
            )
        )

    def _detach_cut(self) -> None:
        iam = self._world.moto.iam(self._world.account)
        with self._world.moto.lock:
            for kind, holders in (("User", iam.users.values()), ("Role", iam.roles.values())):
                for holder in holders:
                    for name in [n for n in holder.policies if n.startswith(CUT)]:
                        del holder.policies[name]
                        self._wrote(f"Delete{kind}Policy", **{f"{kind}Name": holder.name, "PolicyName": name})
                    for arn in [a for a in holder.managed_policies if a.rpartition("/")[2].startswith(CUT)]:
                        holder.managed_policies.pop(arn).attachment_count -= 1
                        self._wrote(f"Detach{kind}Policy", **{f"{kind}Name": holder.name, "PolicyArn": arn})

    def _reenable_key(self) -> None:
        key_id = self.loot.key.key_id
        with self._world.moto.lock:
            self._world.moto.iam(self._world.account).update_access_key(USER, key_id, "Active")
        self._wrote("UpdateAccessKey", UserName=USER, AccessKeyId=key_id, Status="Active")

    def _foreign_policy(self) -> None:
        iam = self._world.moto.iam(self._world.account)
        with self._world.moto.lock:
            iam.put_user_policy(USER, CUT, allow("s3:GetObject"))
            iam.put_role_policy(WORKER, CUT, allow("s3:GetObject"))
        self._wrote("PutUserPolicy", UserName=USER, PolicyName=CUT)
        self._wrote("PutRolePolicy", RoleName=WORKER, PolicyName=CUT)

    def _trust_anyone(self) -> None:
        iam = self._world.moto.iam(self._world.account)
        with self._world.moto.lock:
            trust = json.loads(iam.get_role(WORKER).assume_role_policy_document)
            trust["Statement"].append({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
            iam.update_assume_role_policy(WORKER, json.dumps(trust))
        self._wrote("UpdateAssumeRolePolicy", RoleName=WORKER)

    def _mint_session(self) -> None:
        """A session of the worker role, minted now. Raises the vendor's refusal when nothing works any more."""
        held = self._burglar.assume(self.loot.session_token, self._arn(PATH, WORKER), "meanwhile")
        self._more.append(
            StolenDoor(
                f"aws/minted-meanwhile-{len(self._more)}",
                "minted-meanwhile",
                "a session minted while the responder worked",
                f"aws:role-session/{self._world.account}/{WORKER}/*",
                lambda: self._burglar.use(held),
            )
        )

    def _wrote(self, operation: str, answer: str = "", **params: str) -> None:
        """Obeyed after the lag, and in the logs under the leaked key."""
        world = self._world
        world.changed(world.account)
        caller = world.user_caller(world.account, USER, self.loot.key.key_id)
        signed = Signed(caller.key_id, world.region, "iam", (), "")
        asked = Asked("iam", operation, world.region, "query", dict(params), signed=signed)
        world.trail.write(caller, asked, world.now(), world.vendor_now(), body=answer.encode())
