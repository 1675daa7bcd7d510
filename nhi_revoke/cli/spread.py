"""Lets a command take groups of options: a parameter whose type is a dataclass becomes its fields on the command line.

    def verify(session: Session, run: Run) -> Result: ...

`session` is the context's object. Every command also takes the options that all commands have.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import typer

from nhi_revoke.cli.options import CommonOptions
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session

Command = Callable[..., Result]
_CONTEXT = "context"
_COMMON = "common"


def spread(command: Command) -> Command:
    """The same command with a flat signature, as Typer reads it."""
    hints = get_type_hints(command, include_extras=True)
    declared = inspect.signature(command).parameters
    groups: dict[str, type[Any]] = {}
    flat = [inspect.Parameter(_CONTEXT, inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    for name, parameter in declared.items():
        hint = hints[name]
        if hint is Session:
            continue
        if dataclasses.is_dataclass(hint):
            groups[name] = hint  # type: ignore[assignment]  # is_dataclass accepts instances, too; a hint is a class
            flat += _fields(groups[name])
        else:
            flat.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hint))
    groups[_COMMON] = CommonOptions
    flat += _fields(CommonOptions)

    def run(**values: Any) -> Result:
        session: Session = values.pop(_CONTEXT).obj
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in dataclasses.fields(group)})
        session.use(values.pop(_COMMON))
        if "session" in declared:
            values["session"] = session
        return command(**values)

    run.__name__ = command.__name__
    run.__doc__ = command.__doc__
    run.__module__ = command.__module__
    run.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]  # what inspect.signature reads first
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in flat}
    return run


def _fields(group: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=hints[field.name],
            default=inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default,
        )
        for field in dataclasses.fields(group)
    ]
