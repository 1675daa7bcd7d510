"""Is the request really signed with that secret? Recomputed with the vendor's own client library."""

from __future__ import annotations

import hmac

from nhi_revoke_aws.sandbox.asked import Asked


def signed_with(asked: Asked, secret: str) -> bool:
    """Its age is not judged: a sandbox's clock moves, the client's does not."""
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    signed = asked.signed
    if signed is None:
        return False
    url = f"http://{asked.headers.get('host', '')}{asked.url}"
    headers = {name: asked.headers[name] for name in signed.headers if name in asked.headers}
    request = AWSRequest(method=asked.method, url=url, headers=headers, data=asked.body)
    request.context["timestamp"] = asked.headers.get("x-amz-date", "")
    make = S3SigV4Auth if signed.service == "s3" else SigV4Auth
    auth = make(Credentials(signed.key_id, secret), signed.service, signed.region)
    canonical = auth.canonical_request(request)
    computed: str = auth.signature(auth.string_to_sign(request, canonical), request)
    return hmac.compare_digest(computed, signed.signature)
