"""`keys:upload` over REST (discovery document iam.v1)."""

from __future__ import annotations

import base64
import binascii

from nhi_revoke.provider.sandbox.rest import Reply, Table
from nhi_revoke_gcp.permissions import CREATE_KEY
from nhi_revoke_gcp.sandbox.gate import Here
from nhi_revoke_gcp.sandbox.refusal import Refused, no_account
from nhi_revoke_gcp.sandbox.state import key_row
from nhi_revoke_gcp.sandbox.uploads import uploaded

TABLE = Table()


@TABLE.route("POST", "/v1/projects/<project>/serviceAccounts/<named>/keys:upload", CREATE_KEY)
def upload(at: Here, project: str, named: str) -> Reply:
    account = at.gate.cloud.account(project, named)
    if account is None:
        raise no_account(project, named)
    try:
        data = base64.b64decode(str(at.asked.json.get("publicKeyData") or ""), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("INVALID_ARGUMENT", "Invalid value at 'public_key_data'.") from None
    return Reply(200, key_row(account, uploaded(at.gate.cloud, account, data, at.now)))
