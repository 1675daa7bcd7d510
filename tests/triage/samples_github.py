"""GitHub: every prefix as it leaks, and what only looks like one."""

from __future__ import annotations

import string
from collections.abc import Iterator

from nhi_revoke.model.liveness import Alive
from nhi_revoke.provider.spotting import digest
from nhi_revoke_github.token_forms import checksum

from .making import BASE62, LATER, Maker
from .sample import LookAlike, Sample

KIND = "github:token"
MAKER = Maker("github")


def token(prefix: str, drawn: str = "") -> str:
    drawn = drawn or MAKER.drawn(30)
    return f"{prefix}_{drawn}{checksum(drawn)}"


def fine(first: int = 22, second: int = 59) -> str:
    return f"github_pat_{MAKER.drawn(first)}_{MAKER.drawn(second)}"


def stateless(app: str = "123456") -> str:
    jwt = MAKER.jwt(iss="github", exp=LATER, installation=1)
    return f"ghs_{app}_{jwt}" if app else f"ghs_{jwt}"


def padded() -> str:
    """A checksum that begins with zeros."""
    return next(made for made in (token("ghp") for _ in range(10_000)) if made[-6] == "0")


def sample(name: str, text: str, value: str, state: Alive = "dead") -> Sample:
    return Sample(f"github-{name}", text.format(value), KIND, digest(value), value, state=state)


SAMPLES: tuple[Sample, ...] = (
    sample("classic-bare", "{}", token("ghp")),
    sample("classic-in-env", "GITHUB_TOKEN={}\nGITHUB_ACTOR=payments-bot\n", token("ghp")),
    sample("classic-in-remote", "origin  https://{}@example.com/acme/shop.git (fetch)", token("ghp")),
    sample("classic-in-json", '{{"token": "{}", "user": "bot"}}', token("ghp")),
    sample("classic-padded-checksum", "token: {}", padded()),
    sample("oauth-in-netrc", "machine api.example.com login x password {}", token("gho")),
    sample("oauth-in-yaml", "hosts:\n  - oauth_token: {}\n", token("gho")),
    sample("user-to-server", "Authorization: Bearer {}", token("ghu")),
    sample("installation-in-log", "2026-11-28T12:00:00Z using {} for checkout", token("ghs")),
    sample("installation-stateless", "Authorization: token {}\n", stateless()),
    sample("installation-stateless-bare", "{}", stateless("Iv23liAbCdEf012345")),
    sample("installation-stateless-no-id", "token='{}'", stateless("")),
    sample("refresh", "refresh_token={}&grant_type=refresh_token", token("ghr"), "unknown"),
    sample("refresh-long", '"refresh_token":"{}"', f"ghr_{MAKER.drawn(76)}", "unknown"),
    sample("fine-grained", "export GH_TOKEN={}", fine()),
    sample("fine-grained-in-header", "curl -H 'Authorization: Bearer {}' https://example.com", fine()),
    sample("fine-grained-at-the-end", "the leaked one was {}", fine()),
)


def _wrong(prefix: str) -> str:
    """One letter of the checksum is another."""
    made = token(prefix)
    return made[:-1] + BASE62[(BASE62.index(made[-1]) + 1) % 62]


def _texts() -> Iterator[tuple[str, str]]:
    for prefix in ("ghp", "gho", "ghu", "ghs", "ghr"):
        yield f"{prefix}-checksum", _wrong(prefix)
        yield f"{prefix}-random", f"{prefix}_{MAKER.drawn(36)}"
        yield f"{prefix}-placeholder", f"{prefix}_{'x' * 36}"
        yield f"{prefix}-short", token(prefix)[:-1]
        yield f"{prefix}-long", token(prefix) + "a"
        yield f"{prefix}-in-a-word", f"my{token(prefix)}"
    yield "documented-classic", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
    yield "documented-oauth", '"access_token": "gho_16C7e42F292c6912E7710c838347Ae178B4a"'
    yield "documented-user", "ghu_16C7e42F292c6912E7710c838347Ae178B4a"
    yield "documented-refresh", ("ghr_1B4a2e77838347a7E420ce178F2E7c6912E169246c34E1ccbF66C46812d16D5B1A9Dc86A1498")
    yield "checksum-of-all", f"ghp_{(drawn := MAKER.drawn(30))}{checksum(f'ghp_{drawn}')}"
    yield "other-prefix", token("ghx")
    yield "capitals", token("ghp").upper()
    yield "npm", f"npm_{MAKER.drawn(36)}"
    yield "fine-short", fine(second=58)
    yield "fine-long", fine(second=60)
    yield "fine-first-part", fine(first=21)
    yield "fine-placeholder", f"github_pat_{'x' * 22}_{'x' * 59}"
    yield "fine-typed", f"github_pat_{'your_token_here_' * 6}"[:93]
    yield "stateless-no-json", f"ghs_123456_eyJ{MAKER.drawn(40)}.eyJ{MAKER.drawn(120)}.{MAKER.drawn(86)}"
    yield "stateless-two-parts", stateless().rpartition(".")[0]
    yield "stateless-of-a-user", "ghu_" + stateless().removeprefix("ghs_")
    yield "old-hex", f"token {MAKER.drawn(40, string.hexdigits.lower()[:16])}"
    yield "regular-expression", "gh[pousr]_[A-Za-z0-9]{36}"
    yield "variable", "ghp_${{ secrets.TOKEN }}"


LOOKALIKES: tuple[LookAlike, ...] = tuple(
    LookAlike(f"github-{name}", text) for name, text in (*_texts(), *MAKER.common())
)
