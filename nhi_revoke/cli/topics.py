"""The texts of `help`. Exit codes and reasons come from their tables, so that they cannot drift."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from nhi_revoke.cli.exit_code import TABLE
from nhi_revoke.cli.reasons import DEFAULTS
from nhi_revoke.render.block import table
from nhi_revoke.render.plain import plain_text

ENVIRONMENT = (
    ("NHI_REVOKE_CONFIG", "the nhi.toml to read; --config wins over it"),
    ("NHI_REVOKE_PROVIDERS", "the only providers that may load, separated by commas"),
    ("NHI_REVOKE_STATE", "folder of journals and locks, instead of $XDG_STATE_HOME/nhi-revoke"),
    (
        "NHI_REVOKE_DATABASE",
        "where campaigns are kept, instead of SQLite in the state folder; --database wins",
    ),
    ("NHI_REVOKE_OUTPUT", "default of --output"),
    ("NHI_REVOKE_NO_COLOR", "set: no colour; so do NO_COLOR and TERM=dumb"),
    ("FORCE_COLOR", "set: colour in pipes, too; so does CLICOLOR_FORCE"),
    ("NHI_REVOKE_PAGER", "what shows a look that is longer than the screen; empty: nothing; so does --no-pager"),
    ("PAGER", "the same, where NHI_REVOKE_PAGER is not set; without both: less -FRX"),
    ("COLUMNS", "width, instead of the terminal's; LINES: height"),
    ("XDG_CONFIG_HOME", "nhi-revoke/nhi.toml is looked for in it, after ./nhi.toml"),
    ("XDG_STATE_HOME", "journals lie in nhi-revoke/runs in it"),
)

SAFETY = """\
What this tool promises, and what a test holds it to.

  Looking changes nothing.  list, audit, find, plan, verify and report make no changing call.
  Nothing is said that was not seen.  A denied listing is UNSEEN, never "none"; "ended" needs a proof.
  First reversible, then final.  What cannot be taken back is marked IRREVERSIBLE, counted in the prompt,
    and in a script needs --allow-irreversible.
  Every change is in the journal before it is made and after it, on disk, chained by sha256. A crash or
    Ctrl-C loses nothing: nhi-revoke resume @last
  Your own branch is not cut.  The operator's principal and whatever it came from are refused, as are
    those in protect, the vendor's own, and ambiguous names.
  undo takes back only what the run did, and only where it still is as the run left it. What would bring a
    leaked credential back to life needs --rearm ACCESS_ID.
  No secret is printed, logged, journaled or put on a command line. A new one goes to its store alone.

Ctrl-C once: nothing new is started, what is under way ends and is journaled. Twice: out at once (130).
"""

IDENTITIES = """\
An identity is a name in nhi.toml for principals of one bot in all systems.

  protect = ["PROVIDER:KIND/BreakGlass*"]        # never touched, whatever is typed

  [identity.payments-bot]
  owner = "payments team"
  principals = ["PROVIDER:KIND/NAME", "PROVIDER:NATIVE-ID"]

  [[identity.payments-bot.deliver]]              # where the replacement of a kind goes
  from = "PROVIDER:ACCESS-KIND"
  to = "STORE:ADDRESS"
  format = "env"                                 # optional: env, env:NAME, json, or one of the kind's own

  [[identity.payments-bot.flush]]                # what must forget the old one
  use = "FLUSH"

nhi.toml is looked for: --config, $NHI_REVOKE_CONFIG, ./nhi.toml, $XDG_CONFIG_HOME/nhi-revoke/nhi.toml.
A bare principal works without it: nhi-revoke list PROVIDER:KIND/NAME
Which principals look like one identity, from evidence: nhi-revoke find payments-bot
What deliver and flush would name, from evidence: nhi-revoke find --consumers payments-bot
Kinds, stores and flushes: nhi-revoke providers.  What was read: nhi-revoke config show.
"""

FORMATS = """\
How a replacement is written where it is delivered: --format beside --deliver, or format in a deliver table.
Without one a store writes as it does by itself (mostly a JSON object, with its other fields kept).

  env            variables that the vendor's own SDK reads, where there are such: a dotenv file, which shells
                 source and parsers read alike. A variable that is there is replaced where it stands; other lines,
                 comments and their order stay.
  env:NAME       one variable of your own: the secret part, or the whole key file where it opens nothing alone.
  json           all its fields in a JSON object; other fields stay.
  a kind's own   such as a section of an INI file (FORMAT:SECTION names another one than its default; other
                 sections stay) or a key file, which is the whole text. The README's table of kinds names them; so
                 does the error for a format that does not go with the kind.

Where a store holds keys (a Secret, a KV secret), variables and fields are keys of their own, as an environment is
filled from them; with STORE:ADDRESS#KEY that key holds the text, as a file is mounted from it. Where a store shows
nothing back, the text is written whole, since there is nothing to keep.

What stands there in another form is refused before anything is minted, and so is what would be read together
with the new credential and belongs to another (a session's token beside a new key). Nothing of it is shown.
"""

APPROVAL = """\
Where nhi.toml demands it, a plan is carried out only after other people signed it with their SSH keys.

  [approval]
  required = 1                                  # how many different people; 1 where it is not said
  allowed_signers = "approvers"                 # OpenSSH's file: a line a person, NAME and public key
  for = ["revoke", "rotate"]                    # plans in these orders; or "irreversible": with such a step
  key = "~/.ssh/id_ed25519.pub"                 # what `approve` signs with on this machine

  [approval.people]                             # who may not approve what they made or carry out
  "alice@example.com" = ["PROVIDER:KIND/alice*"]

  nhi-revoke plan payments-bot --save plan.json     makes the plan
  nhi-revoke approve plan.json                      somebody else reads and signs it: plan.json.NAME.sig
  nhi-revoke apply plan.json                        checks the signatures, then carries it out, whole

revoke and rotate, which plan by themselves, are refused then. ssh-keygen signs and checks, and asks for a passphrase
itself. Any change of the file ends its approvals; a key that the allowed signers no longer name, or whose time is
over, counts for nothing. Where a target changed since, nothing is carried out (--stale refuse).
In an emergency --break-glass REASON does it alone: in red, in the journal and in the report.
resume, hold, release, undo and finish work on a run that was approved, and ask nobody again.

What it cannot do: whoever runs this tool may change its nhi.toml, or use the vendor's own console. Keep nhi.toml and
the allowed signers where responders cannot write, or run apply in a pipeline that alone has the rights. Without
[approval.people] nobody can tell whether planner and approver are two people.
"""


COMPLETION = """\
Tab completes commands, options and their values, and, from this machine's own files (no network, no vendor): identities
of nhi.toml, runs, the accesses that the newest run of an identity saw, installed providers.

The scripts lie in completions/, where nhi-revoke was fetched or unpacked (FOLDER is its path):

  bash         source FOLDER/nhi-revoke.bash              in ~/.bashrc
  zsh          source FOLDER/nhi-revoke.zsh               in ~/.zshrc, after compinit
  fish         cp FOLDER/nhi-revoke.fish ~/.config/fish/completions/
  PowerShell   . FOLDER/nhi-revoke.ps1                    in $PROFILE; nobody has tried that one

The manual page lies there, too: man -l FOLDER/nhi-revoke.1
"""


class Text(NamedTuple):
    title: str
    text: Callable[[], str]


def exit_codes() -> str:
    """The table of `exit_code.py`."""
    rows = [(str(int(row.code)), row.status, row.meaning) for row in TABLE]
    shown = plain_text([table(("EXIT", "STATUS", "MEANING"), rows)])
    return f"{shown}\nWhen several hold: 5, then 8, 9, 6. list and plan exit 0 whenever they could look at something.\n"


def environment() -> str:
    """Our own variables; credentials are found as each vendor's users keep them."""
    shown = plain_text([table(("VARIABLE", "MEANING"), ENVIRONMENT)])
    return f"{shown}\nThe operator's credentials come from where each vendor's own tools keep them.\nFlags win.\n"


def reasons() -> str:
    """The table of `reasons.py`."""
    rows = [
        (
            reason.value,
            defaults.scope,
            "no rotation" if defaults.rotate == "no" else "",
            "proposed for cutting" if defaults.proposes else "",
            defaults.says,
        )
        for reason, defaults in DEFAULTS.items()
    ]
    shown = plain_text([table(("REASON", "SCOPE", "ROTATION", "TRUSTS AND GRANTS", "MEANS"), rows)])
    return f"{shown}\n--reason picks defaults, never the order; --scope, --rotate and --cut-trust win over it.\n"


TOPICS: dict[str, Text] = {
    "exit-codes": Text("what a script may rely on", exit_codes),
    "environment": Text("variables that are read", environment),
    "identities": Text("the identity map, nhi.toml", lambda: IDENTITIES),
    "formats": Text("how a replacement is written where it goes", lambda: FORMATS),
    "approval": Text("when more than one person must agree", lambda: APPROVAL),
    "safety": Text("what is promised, and how to stop it", lambda: SAFETY),
    "reasons": Text("what --reason picks", reasons),
    "completion": Text("tab completion and the manual page", lambda: COMPLETION),
}
