"""Made-up AWS credentials as they leak, and what only looks like one."""

from __future__ import annotations

import base64
import hashlib
from random import Random
from urllib.parse import quote

from tests.triage.sample import LookAlike, Sample

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
ACCOUNT = "111122223333"


def encoded(account: str) -> str:
    """The eight letters, and the half of the ninth, in which newer ids hold their account."""
    bits = (1 << 47 | int(account) << 7).to_bytes(6, "big")
    return base64.b32encode(bits + b"\0" * 4).decode()[:9]


def rolled(seed: object, letters: str, count: int) -> str:
    """The same in every run."""
    return "".join(Random(str(seed)).choices(letters, k=count))  # noqa: S311 - made up, and protects nothing


def key_id(seed: int, prefix: str = "AKIA", account: str = ACCOUNT) -> str:
    return prefix + encoded(account) + rolled(seed, LETTERS, 7)


def secret(seed: int) -> str:
    return rolled(f"secret {seed}", BASE64, 38) + "a7"


def token(seed: int) -> str:
    return "IQoJb3JpZ2luX2VjE" + rolled(f"token {seed}", BASE64, 380) + "=="


def signed(seed: int, date: str, *, expires: int = 3600, service: str = "s3", prefix: str = "AKIA") -> str:
    """A query string as SigV4 makes it."""
    scope = quote(f"{key_id(seed, prefix)}/{date[:8]}/eu-west-1/{service}/aws4_request", safe="")
    signature = hashlib.sha256(str(seed).encode()).hexdigest()
    return (
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={scope}&X-Amz-Date={date}&X-Amz-Expires={expires}"
        f"&X-Amz-SignedHeaders=host&X-Amz-Signature={signature}"
    )


def bedrock(seed: int, user: str = "BedrockAPIKey-x7k2", account: str = ACCOUNT) -> str:
    return "ABSK" + base64.b64encode(f"{user}-at-{account}:{secret(seed)}".encode()).decode()


def bedrock_short(seed: int, date: str = "20261123T110000Z") -> str:
    query = signed(seed, date, expires=43200, service="bedrock", prefix="ASIA")
    request = f"bedrock.amazonaws.com/?Action=CallWithBearerToken&{query}&Version=1"
    return "bedrock-api-key-" + base64.b64encode(request.encode()).decode()


def key_sample(name: str, seed: int, text: str) -> Sample:
    """`{id}` and `{secret}` stand for both parts."""
    filled = text.replace("{id}", key_id(seed)).replace("{secret}", secret(seed))
    return Sample(name, filled, "aws:access-key", key_id(seed), secret(seed), f"aws:{key_id(seed)}")


def session_sample(name: str, seed: int, text: str) -> Sample:
    asia = key_id(seed, "ASIA")
    filled = text.replace("{id}", asia).replace("{secret}", secret(seed)).replace("{token}", token(seed))
    return Sample(name, filled, "aws:session-key", asia, secret(seed), f"aws:{asia}", "unknown")


OLD = "AKIAJ" + rolled("old", LETTERS, 15)
LIVE_URL = f"https://payments.s3.eu-west-1.amazonaws.com/invoice.pdf?{signed(20, '20261123T113000Z')}"
DOCUMENTED_URL = LIVE_URL.replace(key_id(20), "AKIAIOSFODNN7EXAMPLE")
ENDED_URL = f"https://payments.s3.eu-west-1.amazonaws.com/invoice.pdf?{signed(21, '20240101T000000Z')}"
SAMPLES: tuple[Sample, ...] = (
    key_sample("credentials-file", 1, "[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"),
    key_sample("environment", 2, "export AWS_ACCESS_KEY_ID={id}\nexport AWS_SECRET_ACCESS_KEY={secret}\n"),
    key_sample("console-csv", 3, "Access key ID,Secret access key\n{id},{secret}\n"),
    key_sample(
        "cli-json", 4, '{"AccessKey": {"UserName": "bot", "AccessKeyId": "{id}", "SecretAccessKey": "{secret}"}}'
    ),
    key_sample("secret-first", 5, "aws.secretKey={secret}\naws.accessKey={id}\n"),
    key_sample("id-colon-secret", 6, "{id}:{secret}"),
    key_sample("terraform", 7, 'provider "aws" {\n  access_key = "{id}"\n  secret_key = "{secret}"\n}\n'),
    key_sample("python", 8, 'boto3.client("s3", aws_access_key_id="{id}", aws_secret_access_key="{secret}")'),
    key_sample(
        "commit-beside", 9, f"commit {hashlib.sha1(b'x', usedforsecurity=False).hexdigest()}\n{{id}} {{secret}}\n"
    ),
    Sample("id-alone", f"accessKeyId: {key_id(10)}", "aws:access-key", key_id(10), "", f"aws:{key_id(10)}", "unknown"),
    Sample("old-id-alone", f"key {OLD} seen", "aws:access-key", OLD, "", f"aws:{OLD}", "unknown"),
    session_sample(
        "session-environment",
        11,
        "AWS_ACCESS_KEY_ID={id}\nAWS_SECRET_ACCESS_KEY={secret}\nAWS_SESSION_TOKEN={token}\n",
    ),
    session_sample(
        "session-json",
        12,
        '{"Credentials": {"AccessKeyId": "{id}", "SecretAccessKey": "{secret}", "SessionToken": "{token}"}}',
    ),
    Sample(
        "session-without-token",
        f"{key_id(13, 'ASIA')}:{secret(13)}",
        "aws:session-key",
        key_id(13, "ASIA"),
        "",
        f"aws:{key_id(13, 'ASIA')}",
        "unknown",
    ),
    Sample(
        "bedrock-long-term",
        f"AWS_BEARER_TOKEN_BEDROCK={bedrock(14)}",
        "aws:service-credential",
        f"BedrockAPIKey-x7k2-at-{ACCOUNT}",
        bedrock(14),
        f"aws:arn:aws:iam::{ACCOUNT}:user/BedrockAPIKey-x7k2",
        "unknown",
    ),
    Sample(
        "bedrock-second-key",
        f'api_key = "{bedrock(15, "model-bot+1")}"',
        "aws:service-credential",
        f"model-bot+1-at-{ACCOUNT}",
        bedrock(15, "model-bot+1"),
        f"aws:arn:aws:iam::{ACCOUNT}:user/model-bot",
        "unknown",
    ),
    Sample(
        "bedrock-short-term",
        f"Authorization: Bearer {bedrock_short(16)}",
        "aws:signed-request",
        key_id(16, "ASIA"),
        bedrock_short(16),
        f"aws:{key_id(16, 'ASIA')}",
        "unknown",
    ),
    Sample(
        "presigned-url",
        f"GET {LIVE_URL} 200",
        "aws:signed-request",
        key_id(20),
        LIVE_URL,
        f"aws:{key_id(20)}",
        "unknown",
    ),
    Sample(
        "presigned-url-ended",
        f'<a href="{ENDED_URL}">',
        "aws:signed-request",
        key_id(21),
        ENDED_URL,
        f"aws:{key_id(21)}",
    ),
)


def _lookalikes() -> tuple[LookAlike, ...]:
    long = rolled("look-alikes", BASE64, 200)
    digest = hashlib.sha1(b"commit", usedforsecurity=False).hexdigest()
    made = [
        ("documented-id", "aws_access_key_id = AKIAIOSFODNN7EXAMPLE"),
        ("documented-session", "ASIAIOSFODNN7EXAMPLE"),
        ("documented-secret", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("placeholder", "AWS_ACCESS_KEY_ID=<your key id>"),
        ("crossed-out", "AKIA" + "X" * 4 + "*" * 12),
        ("prefix-alone", "AKIA"),
        ("lower-case-id", key_id(30).lower()),
        ("letters-of-no-base32", "AKIA" + "01890189" * 2),
        ("id-cut-off", key_id(31)[:19]),
        ("id-too-long", key_id(32) + "A"),
        ("id-inside-a-word", f"x{key_id(33)}"),
        ("id-inside-base64", f"{long[:50]}9{key_id(34)}9{long[50:]}"),
        ("user-id", "AIDA" + key_id(35)[4:]),
        ("role-id", "AROA" + key_id(36)[4:] + ":session"),
        ("certificate-id", "ASCA" + key_id(37)[4:]),
        ("group-id", "AGPA" + key_id(38)[4:]),
        ("policy-id", "ANPA" + key_id(39)[4:]),
        ("public-key-id", "APKA" + key_id(40)[4:]),
        ("instance-profile-id", "AIPA" + key_id(41)[4:]),
        ("secret-alone", f"secret = {secret(42)}"),
        ("commit-hash", f"commit {digest}"),
        ("sha256", hashlib.sha256(b"x").hexdigest()),
        ("base64-blob", long),
        ("arn", f"arn:aws:iam::{ACCOUNT}:user/bots/payments-bot"),
        ("account", f"account {ACCOUNT}"),
        ("session-token-alone", f"AWS_SESSION_TOKEN={token(43)}"),
        ("bedrock-prefix-alone", "ABSK"),
        ("bedrock-noise", "ABSK" + long[:120]),
        ("bedrock-other-inside", "ABSK" + base64.b64encode(b"no such thing is in here at all, only words").decode()),
        ("bedrock-short-account", "ABSK" + base64.b64encode(b"bot-at-1234:" + b"s" * 40).decode()),
        ("bedrock-no-secret", "ABSK" + base64.b64encode(b"BedrockAPIKey-x7k2-at-111122223333:short").decode()),
        ("bedrock-documented-prefix", "bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t"),
        ("bedrock-short-noise", "bedrock-api-key-" + base64.b64encode(b"x" * 200).decode()),
        ("url-unsigned", "https://payments.s3.eu-west-1.amazonaws.com/invoice.pdf?versionId=3"),
        ("url-signature-cut-off", DOCUMENTED_URL[:-10]),
        ("url-documented", DOCUMENTED_URL),
        ("url-no-signer", DOCUMENTED_URL.replace("X-Amz-Credential", "X-Other")),
        ("url-no-scope", DOCUMENTED_URL.replace("aws4_request", "aws9_request")),
        ("signed-header-words", f"X-Amz-Signature={'0' * 64}"),
        ("quota-code", "L-AKIA1234"),
        ("word-with-akia", "NAKIAMAKIASTRASSEBERLIN"),
    ]
    made += [(f"digest-{n}", hashlib.sha1(bytes([n]), usedforsecurity=False).hexdigest()) for n in range(6)]
    made += [(f"uuid-{n}", f"{digest[n:][:8]}-{digest[:4]}-{digest[4:8]}-{digest[12:24]}") for n in range(4)]
    made += [(f"upper-{n}", "B" + rolled(n, LETTERS, 19)) for n in range(6)]
    made += [(f"forty-{n}", rolled(n, BASE64, 40)) for n in range(6)]
    return tuple(LookAlike(f"aws-{name}", text) for name, text in made)


LOOKALIKES = _lookalikes()
