"""Outbound web identity: signed tokens for services outside AWS (AWS docs: API_GetWebIdentityToken)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.doors import StolenDoor
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, Scene, Used
from nhi_revoke_aws.sandbox.seed import allow

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from nhi_revoke.provider.sandbox.contract import Door

SHORTEST, DEFAULT, LONGEST = 60, 300, 3600
ALGORITHM = "ES384"
"""The other one, RS256, is not modelled: its keys take long to make."""
HALF = 48
"""Bytes of each half of a signature."""
FETCH = "sts:GetWebIdentityToken"
AUDIENCE = "https://ledger.example.com"


class Issuer:
    """Which accounts give tokens out, and the key that signs them. Its public part is the issuer's JWKS."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._key: EllipticCurvePrivateKey | None = None
        self.urls: dict[str, str] = {}
        """By account, where the feature was ever enabled."""
        self.enabled: set[str] = set()
        self.issued: list[str] = []

    def clear(self) -> None:
        self._key = None
        self.urls.clear()
        self.enabled.clear()
        self.issued.clear()

    def enable(self, account: str) -> str:
        unique = str(UUID(bytes=self._random.randbytes(16), version=4))
        self.enabled.add(account)
        return self.urls.setdefault(account, f"https://{unique}.tokens.sts.global.api.aws")

    def token(self, account: str, arn: str, audience: Sequence[str], at: datetime, seconds: int) -> str:
        """A JSON Web Token, signed with ECDSA on P-384 (RFC 7518, section 3.4)."""
        claims = {
            "iss": self.urls[account],
            "sub": arn,
            "aud": audience[0] if len(audience) == 1 else list(audience),
            "iat": int(at.timestamp()),
            "exp": int(at.timestamp()) + seconds,
            "jti": str(UUID(bytes=self._random.randbytes(16), version=4)),
            "https://sts.amazonaws.com/": {"aws_account": account, "principal_id": arn},
        }
        signed = f"{_part({'alg': ALGORITHM, 'typ': 'JWT', 'kid': 'EC384_0'})}.{_part(claims)}"
        made = f"{signed}.{_text(self._signature(signed.encode()))}"
        self.issued.append(made)
        return made

    def _private(self) -> EllipticCurvePrivateKey:
        from cryptography.hazmat.primitives.asymmetric import ec

        if self._key is None:
            self._key = ec.derive_private_key(1 + self._random.getrandbits(380), ec.SECP384R1())
        return self._key

    def _signature(self, data: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric import ec, utils
        from cryptography.hazmat.primitives.hashes import SHA384

        r, s = utils.decode_dss_signature(self._private().sign(data, ec.ECDSA(SHA384())))
        return r.to_bytes(HALF, "big") + s.to_bytes(HALF, "big")

    def verified(self, token: str) -> dict[str, Any]:
        """The claims. Raises ValueError for what this issuer did not sign."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec, utils
        from cryptography.hazmat.primitives.hashes import SHA384

        signed, _, tail = token.rpartition(".")
        raw = _bytes(tail)
        r, s = int.from_bytes(raw[:HALF], "big"), int.from_bytes(raw[HALF:], "big")
        try:
            public = self._private().public_key()
            public.verify(utils.encode_dss_signature(r, s), signed.encode(), ec.ECDSA(SHA384()))
        except InvalidSignature as error:
            raise ValueError("bad signature") from error
        claims: dict[str, Any] = json.loads(_bytes(signed.partition(".")[2]))
        return claims


class Federation(OwnService):
    """IAM's side: whether an account gives tokens out."""

    model: ClassVar[str] = "iam"
    name: ClassVar[str] = "outbound-federation"

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer

    def clear(self) -> None:
        self.issuer.clear()

    def operations(self) -> Mapping[str, Handler]:
        return {
            "GetOutboundWebIdentityFederationInfo": self._info,
            "EnableOutboundWebIdentityFederation": self._enable,
            "DisableOutboundWebIdentityFederation": self._disable,
        }

    def _info(self, asking: Asking) -> dict[str, Any]:
        if asking.account not in self.issuer.urls:
            raise Refusal("FeatureDisabled", "Outbound web identity federation is disabled.", 404)
        on = asking.account in self.issuer.enabled
        return {"IssuerIdentifier": self.issuer.urls[asking.account], "JwtVendingEnabled": on}

    def _enable(self, asking: Asking) -> dict[str, Any]:
        if asking.account in self.issuer.enabled:
            raise Refusal("FeatureEnabled", "Outbound web identity federation is already enabled.", 409)
        return {"IssuerIdentifier": self.issuer.enable(asking.account)}

    def _disable(self, asking: Asking) -> dict[str, Any]:
        """Tokens that were issued before are not affected."""
        if asking.account not in self.issuer.enabled:
            raise Refusal("FeatureDisabled", "Outbound web identity federation is already disabled.", 404)
        self.issuer.enabled.discard(asking.account)
        return {}


class OutsideTokens(OwnService):
    """STS's side, and a service outside AWS that accepts what the issuer signed until it expires: it asks nobody."""

    model: ClassVar[str] = "sts"
    name: ClassVar[str] = "outbound-jwt"

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer

    def operations(self) -> Mapping[str, Handler]:
        return {"GetWebIdentityToken": self._token}

    def secrets(self) -> Sequence[str]:
        return tuple(self.issuer.issued)

    def _token(self, asking: Asking) -> dict[str, Any]:
        params, session = asking.params, asking.caller.session
        seconds = int(params.get("DurationSeconds") or DEFAULT)
        if asking.account not in self.issuer.enabled:
            message = "The outbound web identity federation feature is not enabled for this account."
            raise Refusal("OutboundWebIdentityFederationDisabledException", message, 403)
        if not SHORTEST <= seconds <= LONGEST:
            raise Refusal("ValidationError", f"DurationSeconds must be {SHORTEST} to {LONGEST}")
        if params.get("SigningAlgorithm") != ALGORITHM:
            raise Refusal("NotImplemented", f"this sandbox signs with {ALGORITHM} only", 501)
        expires = asking.now + timedelta(seconds=seconds)
        if session is not None and expires > session.expires:
            message = "The requested token duration would extend the session beyond its original expiration time."
            raise Refusal("SessionDurationEscalationException", message, 403)
        governs = asking.caller.governs
        arn = governs.arn if governs else asking.caller.arn
        made = self.issuer.token(asking.account, arn, params["Audience"], asking.now, seconds)
        return {"WebIdentityToken": made, "Expiration": expires}

    def use(self, used: Used) -> None:
        """By signature and expiry alone: keys, sessions and policies of AWS do not matter out there."""
        try:
            claims = self.issuer.verified(used.form.get("token", ""))
        except ValueError as error:
            raise Refusal("AccessDenied", "the token is not the issuer's", 403) from error
        if datetime.fromtimestamp(claims["exp"], UTC) <= used.now:
            raise Refusal("AccessDenied", "the token is expired", 403)

    def seed(self, scene: Scene) -> Sequence[Door]:
        """The worker role may fetch them, and the intruder did, a moment ago."""
        world = scene.world
        self.issuer.enable(world.account)
        world.moto.iam(world.account).put_role_policy(scene.worker, "payments-partner", allow(FETCH))
        arn = world.history.recorded(world.account).roles[scene.worker].arn
        token = self.issuer.token(world.account, arn, (AUDIENCE,), world.vendor_now(), LONGEST)

        def walk() -> None:
            scene.burglar.knock(self.name, token=token)

        return (
            StolenDoor(
                f"aws/{self.name}", self.name, "a token of the worker role that a service outside AWS accepts",
                f"aws:web-identity/{world.account}/{scene.worker}/issued", walk,
            ),
        )  # fmt: skip


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _part(value: dict[str, Any]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())
