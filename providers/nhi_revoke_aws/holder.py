"""A user or role as the bearer of our policy: inline where it fits, customer-managed where the quota is full."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Literal

from msgspec import Struct

from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.provider.fault import Missing, Rejected
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.naming import Arn, parse_arn
from nhi_revoke_aws.policy import as_json, compact

LIMIT = "LimitExceeded"
EXISTS = "EntityAlreadyExists"
LONGEST_NAME = 128
VERSIONS = 5
"""A managed policy keeps five versions (AWS docs: reference_iam-quotas)."""


class Place(Struct, frozen=True):
    """Where our policy stands."""

    policy: str
    mechanism: Literal["inline", "managed"] = "inline"
    arn: str = ""
    """Of the managed one."""

    def json(self) -> Json:
        return {"policy": self.policy, "mechanism": self.mechanism, **({"arn": self.arn} if self.arn else {})}

    @classmethod
    def of(cls, left: Json) -> Place | None:
        """From what a step left."""
        if not left.get("policy"):
            return None
        mechanism: Literal["inline", "managed"] = "managed" if left.get("mechanism") == "managed" else "inline"
        return cls(str(left["policy"]), mechanism, str(left.get("arn") or ""))


class Holder:
    """Reads and writes the policies of one principal. Every call names it: a call without a name means the caller."""

    def __init__(self, conn: AwsConnection, word: Literal["User", "Role"], name: str, arn: str = "") -> None:
        self._conn, self._word, self.name, self.arn = conn, word, name, arn

    @classmethod
    def of(cls, conn: AwsConnection, ref: PrincipalRef) -> Holder:
        """From a canonical reference."""
        arn = parse_arn(ref.id)
        if arn is None or arn.kind not in ("user", "role"):
            raise Rejected(f"{ref} is no user or role")
        return cls(conn, "User" if arn.kind == "user" else "Role", arn.name, ref.id)

    def _call(self, operation: str, **params: Any) -> dict[str, Any]:
        named: dict[str, Any] = {f"{self._word}Name": self.name, **params}
        return self._conn.call("iam", operation.format(self._word), **named)

    def side_by_side(self, *asks: Callable[[], Any]) -> Sequence[Any]:
        """The answers to several looks. Raises what the first failing one raised, once all have ended."""
        return self._conn.io.map(lambda ask: ask(), asks)

    def inline(self, policy: str) -> Any:
        """The document, or None where there is none of this name."""
        try:
            return as_json(self._call("Get{}Policy", PolicyName=policy)["PolicyDocument"])
        except Missing:
            return None

    def attached(self) -> dict[str, str]:
        """ARN and name of every managed policy attached."""
        named: dict[str, Any] = {f"{self._word}Name": self.name}
        rows = self._conn.pages("iam", f"ListAttached{self._word}Policies", "AttachedPolicies", **named)
        return {row["PolicyArn"]: row["PolicyName"] for row in rows}

    def document(self, place: Place) -> Any:
        """What stands there now; None for nothing, or for a managed one that is not attached."""
        if place.mechanism == "inline":
            return self.inline(place.policy)
        if place.arn not in self.attached():
            return None
        try:
            version = self._conn.call("iam", "GetPolicy", PolicyArn=place.arn)["Policy"]["DefaultVersionId"]
            found = self._conn.call("iam", "GetPolicyVersion", PolicyArn=place.arn, VersionId=version)
        except Missing:
            return None
        return as_json(found["PolicyVersion"]["Document"])

    def put(self, place: Place, document: Any, run_id: str, part: str = "") -> Place:
        """Writes it, and tells where it stands now: a full inline quota moves it to a managed policy (`managed_place`).

        Raises Rejected, with the code LIMIT where there is no room for that one, either.
        """
        text = compact(document)
        if place.mechanism == "inline":
            try:
                self._call("Put{}Policy", PolicyName=place.policy, PolicyDocument=text)
            except Rejected as fault:
                if fault.code != LIMIT:
                    raise
            else:
                return place
            place = self.managed_place(run_id, part)
        self._put_managed(place, text)
        return place

    def give_back(self, place: Place, document: Any) -> None:
        """An inline policy as it was before; none where none was, or where there is no room for it any more."""
        if document is not None:
            try:
                self._call("Put{}Policy", PolicyName=place.policy, PolicyDocument=compact(document))
            except Rejected as fault:
                if fault.code != LIMIT:
                    raise
            else:
                return
        self.remove(place)

    def remove(self, place: Place) -> None:
        """Safe to repeat."""
        if place.mechanism == "inline":
            with contextlib.suppress(Missing):
                self._call("Delete{}Policy", PolicyName=place.policy)
            return
        with contextlib.suppress(Missing):  # detached already: the policy itself may still be there
            self._call("Detach{}Policy", PolicyArn=place.arn)
        with contextlib.suppress(Missing):
            for version in self._old_versions(place.arn):
                self._conn.call("iam", "DeletePolicyVersion", PolicyArn=place.arn, VersionId=version)
            self._conn.call("iam", "DeletePolicy", PolicyArn=place.arn)

    def managed_place(self, run_id: str, part: str = "") -> Place:
        """Where the managed policy of this run stands, or would. `part`: of several on one principal, which."""
        arn = parse_arn(self.arn) or Arn("aws", "", "", "/", "")
        name = f"NHIRevoke-{run_id}-{self._word.lower()}-{self.name}"
        # A digest: the names of a role and of a session do not both fit.
        end = f"-{sha256(part.encode()).hexdigest()[:16]}" if part else ""
        name = f"{name[: LONGEST_NAME - len(end)]}{end}"
        return Place(name, "managed", f"arn:{arn.partition}:iam::{arn.account}:policy/{name}")

    def _put_managed(self, place: Place, text: str) -> None:
        try:
            self._conn.call("iam", "CreatePolicy", PolicyName=place.policy, PolicyDocument=text)
        except Rejected as fault:
            if fault.code != EXISTS:
                raise
            self._new_version(place.arn, text)
        self._call("Attach{}Policy", PolicyArn=place.arn)

    def _new_version(self, arn: str, text: str) -> None:
        """Ours by its name; a crash may have left it with this very document."""
        version = self._conn.call("iam", "GetPolicy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = self._conn.call("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=version)
        if compact(as_json(found["PolicyVersion"]["Document"])) == text:
            return
        old = self._old_versions(arn)
        if len(old) >= VERSIONS - 1:
            self._conn.call("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=old[-1])
        self._conn.call("iam", "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)

    def _old_versions(self, arn: str) -> list[str]:
        """Newest first, without the one in force."""
        rows = self._conn.pages("iam", "ListPolicyVersions", "Versions", PolicyArn=arn)
        return [row["VersionId"] for row in rows if not row["IsDefaultVersion"]]
