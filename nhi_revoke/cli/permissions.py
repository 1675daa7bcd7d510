"""`permissions`: what each stage needs, as the providers declare it; and what is handed to a vendor for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.group import application
from nhi_revoke.cli.needs import declared_needs, permissions_of
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.error import Usage
from nhi_revoke.model.nearest import did_you_mean
from nhi_revoke.model.right import Stage, up_to
from nhi_revoke.render.block import BLANK, line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nhi_revoke.cli.data import Need
    from nhi_revoke.model.right import Document
    from nhi_revoke.provider.registry import Registry
    from nhi_revoke.render.block import Block

app = application()
COLUMNS = ("provider", "stage", "permission", "by")

Provider = Annotated[str | None, typer.Argument(metavar="[PROVIDER]", help="Only this one.")]
OfStage = Annotated[
    Stage | None,
    typer.Option("--stage", help="Only this stage; a document holds those before it, too.", show_default="all"),
]
Named = Annotated[
    str | None,
    typer.Option("--document", metavar="NAME", help="Print this one of the vendor's own documents, to be piped."),
]


@app.command()
@spread
def permissions(session: Session, provider: Provider = None, stage: OfStage = None, document: Named = None) -> Result:
    """Permissions that each stage needs: list, contain, rotate.

    With a provider it names the documents that are handed to that vendor: a policy, a role, a list of scopes. One of
    `--stage contain` also allows to list, so that it is enough for a responder; one of rotate allows everything.

    nhi-revoke permissions PROVIDER --stage contain --document policy
    """
    registry = session.registry
    if document is not None:
        return _document(session, provider, stage, document)
    check_format(session, ("table", "json", "ndjson", "csv"))
    names = [provider] if provider else [each.name for each in registry.status() if each.state == "ok"]
    every = [need for name in names for need in declared_needs(registry, name)]
    needs = [need for need in every if stage in (None, need.stage)]

    def screen() -> list[Block]:
        from nhi_revoke.render.rights import documents_part, needs_screen

        blocks = needs_screen([_row(need) for need in needs])
        if provider is None:
            return [*blocks, BLANK, line("What is handed to a vendor: nhi-revoke permissions PROVIDER")]
        offered = documents_of(registry, provider, stage, every)
        return [*blocks, *documents_part(offered, f"nhi-revoke permissions {provider}{_of(stage)}")]

    return Result(needs, screen, rows=Rows(COLUMNS, lambda: [_row(need) for need in needs]))


def documents_of(
    registry: Registry, provider: str, stage: Stage | None, needs: Sequence[Need] | None = None
) -> tuple[Document, ...]:
    """What is handed to this vendor for a stage and those before it. Raises what `Registry.provider` raises."""
    wanted = permissions_of(needs if needs is not None else declared_needs(registry, provider), up_to(stage))
    return tuple(registry.provider(provider).documents(stage or "rotate", wanted))


def _document(session: Session, provider: str | None, stage: Stage | None, name: str) -> Result:
    check_format(session, ("table", "json"))
    if provider is None:
        raise Usage("no-provider", "--document prints one vendor's: no provider is named.", "nhi-revoke providers")
    offered = documents_of(session.registry, provider, stage)
    found = next((each for each in offered if each.name == name), None)
    if found is None:
        names = [each.name for each in offered]
        known = f"The documents here: {', '.join(names)}." if names else "It has none: nhi-revoke permissions lists."
        hint = " ".join(text for text in (did_you_mean(name, names), known) if text)
        raise Usage("unknown-document", f"{provider} has no document {name!r} for {stage or 'all stages'}.", hint)
    if session.output == "table" and session.verbosity >= 0:
        session.streams.show([line(f"{found.file}: {found.hand_in}")], session.streams.err)
    return Result(found, list, text=found.text)


def _of(stage: Stage | None) -> str:
    return f" --stage {stage}" if stage else ""


def _row(need: Need) -> dict[str, str]:
    return {"provider": need.provider, "stage": need.stage, "permission": need.permission, "by": " ".join(need.by)}
