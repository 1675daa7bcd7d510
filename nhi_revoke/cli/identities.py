"""`identities`: the map of nhi.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nhi_revoke.cli.envelope import Problem
from nhi_revoke.cli.group import application
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread

if TYPE_CHECKING:
    from nhi_revoke.model.identity import Identity
    from nhi_revoke.render.block import Block

app = application()
COLUMNS = ("identity", "owner", "principals", "deliver", "flush")


@app.command()
@spread
def identities(session: Session) -> Result:
    """Every identity of the map: its principals, where replacements go, what is flushed."""
    check_format(session, ("table", "json", "ndjson", "csv"))
    config = session.config
    found = tuple(config.identities.values())
    shared = [f"{ref} belongs to {', '.join(names)}: ending one ends all" for ref, names in config.shared()]

    def screen() -> list[Block]:
        from nhi_revoke.render.records import identities_screen

        return identities_screen([_row(each) for each in found], config.path, shared)

    problems = tuple(Problem("shared-principal", text) for text in shared)
    return Result(found, screen, 0, problems, Rows(COLUMNS, lambda: [_row(each) for each in found]))


def _row(identity: Identity) -> dict[str, str]:
    return {
        "identity": identity.name,
        "owner": identity.owner,
        "principals": " ".join(str(ref) if ref.provider else ref.id for ref in identity.principals),
        "deliver": " ".join(f"{each.kind}={each.to}" for each in identity.deliver),
        "flush": " ".join(each.use for each in identity.flush),
    }
