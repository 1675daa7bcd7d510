"""The AWS sandbox in a process of its own, seeded anew for each line on its standard input.

CloudTrail answers no more than two look-ups a second, as AWS documents it.

Answers each line with one of JSON: {"endpoint", "credentials", "profile", "region", "control"}.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox

USER = "payments-bot"


def serve(folder: str) -> None:
    """payments-bot with two live keys, a password and two inline policies; the role payments-worker."""
    sandbox = AwsSandbox(entropy=7, planted=())
    sandbox.start(MovableClock(datetime.now(UTC)))
    for _ in sys.stdin:
        sandbox.reset()
        sandbox.seed(folder)
        iam = sandbox.admin("iam")
        for key in iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]:
            iam.update_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"], Status="Active")
        sandbox.lag(0, 0)
        sandbox.throttle_lookups()
        settings = sandbox.settings()
        told = {
            "endpoint": sandbox.endpoint,
            "control": sandbox.control,
            "credentials": settings["credentials_file"],
            "profile": settings["profile"],
            "region": settings["region"],
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
    sandbox.close()


if __name__ == "__main__":
    serve(sys.argv[1])
