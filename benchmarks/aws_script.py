"""Calls that were seen on the wire, as a shell script of `aws` commands, one after the other."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from botocore import xform_name

from benchmarks.wire import Call

REFUSED = 254
"""The least exit code of an `aws` command that AWS refused (AWS CLI docs: return codes): refused now as then."""


def script(waves: Iterable[Sequence[Call]], folder: Path) -> Path:
    """Written into `folder`, beside a file with the parameters of each call. $AWS is the command, $URL the endpoint."""
    lines = [
        "#!/bin/sh",
        "set -eu",
        f'may_miss() {{ code=0; "$@" || code=$?; test "$code" -eq 0 || test "$code" -ge {REFUSED}; }}',
    ]
    for number, (service, operation, parameters) in enumerate(call for wave in waves for call in wave):
        given = folder / f"{number}.json"
        given.write_text(json.dumps(parameters))
        command = xform_name(operation, "-")
        words = f'--no-paginate --endpoint-url "$URL" {service} {command} --cli-input-json file://'
        lines.append(f'may_miss "$AWS" {words}{shlex.quote(str(given))}')
    path = folder / "calls.sh"
    path.write_text("\n".join([*lines, ""]))
    return path
