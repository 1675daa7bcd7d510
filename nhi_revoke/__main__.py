"""Entry point. `--version` and completion answer at once: they load neither Typer nor a provider."""

from __future__ import annotations

import sys


def main() -> int:
    """The exit code of the command line (`nhi_revoke/cli/exit_code.py`)."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from nhi_revoke import __version__

        sys.stdout.write(f"nhi-revoke {__version__}\n")
        return 0
    if arguments[:1] == ["__complete"]:
        from nhi_revoke.completion.answer import print_answers

        return print_answers(arguments[1:])
    from nhi_revoke.cli.collector import collect_nothing_while_starting

    collect_nothing_while_starting()
    from nhi_revoke.cli.process import run_process

    return run_process(arguments)


if __name__ == "__main__":
    sys.exit(main())
