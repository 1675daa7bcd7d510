"""What a user's access keys were last used for, as IAM tells it. CloudTrail is not read here.

AWS docs: iam API_AccessKeyLastUsed (Region and ServiceName are "N/A" where it was never used, or not since IAM began to
keep it in April 2015).
"""

from __future__ import annotations

from collections.abc import Iterator

from nhi_revoke.model.consumer import Consumer, Mark
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.provider.fault import Denied, Fault, Missing
from nhi_revoke_aws.access.access_key import KIND as KEY
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.consumers.sight import KIND, Sight
from nhi_revoke_aws.naming import account_of

READ = "iam:GetAccessKeyLastUsed"
NOT_KNOWN = "N/A"


def last_uses(conn: AwsConnection, sight: Sight) -> Iterator[Consumer | BlindSpot]:
    """Of the keys that belong to this account."""
    keys = [m for m in sight.sought.marks if m.kind == KEY and account_of(m.of) == sight.account]
    for mark, answer in zip(keys, conn.io.map(lambda mark: _asked(conn, mark), keys), strict=True):
        if isinstance(answer, Fault):
            needs = answer.needs if isinstance(answer, Denied) else ""
            why = f"what {mark.text} was last used for: could not be read ({answer.message})"
            yield BlindSpot(sight.there, KIND, why, needs)
        elif answer is not None:
            service, region, when = answer
            yield Consumer(
                what=f"Caller of {service} in {region}",
                scope=sight.account,
                basis="use",
                why=f"{mark.text} signed its call, last at {when}",
                evidence=READ,
                of=(mark.of,),
                by_hand=f"see who it is: the events of {mark.text} in CloudTrail tell address and client",
            )


def _asked(conn: AwsConnection, mark: Mark) -> tuple[str, str, str] | Fault | None:
    """None where it was never used, or is gone."""
    try:
        found = conn.call("iam", "GetAccessKeyLastUsed", AccessKeyId=mark.text)["AccessKeyLastUsed"]
    except Missing:
        return None
    except Fault as fault:
        return fault
    when, service = found.get("LastUsedDate"), str(found.get("ServiceName") or NOT_KNOWN)
    if not when or service == NOT_KNOWN:
        return None
    return service, str(found.get("Region") or NOT_KNOWN), f"{when:%Y-%m-%d %H:%M} UTC"
