"""Made-up tokens of Example Cloud, and what only looks like one."""

from __future__ import annotations

from tests.triage.sample import LookAlike, Sample


def _sample(name: str, text: str, number: int) -> Sample:
    token = f"tok_{number:04}.canary-token-{number:04}-8c1f"
    return Sample(f"example-{name}", text.replace("{token}", token), "example:token", f"tok_{number:04}", token)


SAMPLES: tuple[Sample, ...] = (
    _sample("bare", "{token}", 9001),
    _sample("header", "Authorization: Bearer {token}", 9002),
    _sample("quoted", '{"token": "{token}"}', 9003),
    _sample("in-a-sentence", "we found {token}, and rotated it", 9004),
)
LOOKALIKES: tuple[LookAlike, ...] = tuple(
    LookAlike(f"example-{name}", text)
    for name, text in (
        ("id-alone", "tok_9001"),
        ("file", "my_tok_9001.txt"),
        ("attribute", "tok_9001.text"),
        ("letters", "tok_abcd.canary-token-0001-8c1f"),
        ("short", "tok_12.canary-token-0001-8c1f"),
        ("upper", "tok_9001.CANARY-TOKEN"),
        ("module", "tok_9001.canary-token.py"),
        ("prefixed", "xtok_9001.canary-token-0001-8c1f"),
        ("dotted", "a.tok_9001.canary-token-0001-8c1f"),
        ("placeholder", "tok_….canary"),
        ("dash", "tok_9001.canary-"),
        ("plural", "toks_9001.canary-token-0001-8c1f"),
    )
)
