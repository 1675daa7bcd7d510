"""Whether enough other people agreed to a plan: what is signed, which signatures count, and what is refused.

What this holds: a file that was changed after it was signed, a key that the allowed signers do not name now, a person
who signs twice, and (where `people` says who is who) a signature of whoever made the plan, or carries it out, count for
nothing. Who made it stands in the file, and so is the planner's word until somebody signs; who carries it out is asked
of the vendor.

What it cannot hold: whoever runs this tool may also change its nhi.toml, or use the vendor's own console. Who must not
be able to do that needs other rights at the vendor; keep nhi.toml and the allowed signers where the responders cannot
write.
"""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from msgspec import Struct

from nhi_revoke.config.approval import Approving
from nhi_revoke.engine.signing import SshKeygen
from nhi_revoke.model.approval import Approval, Signer
from nhi_revoke.model.command import command
from nhi_revoke.model.error import Refused, Usage
from nhi_revoke.model.plan import Plan, plan_digest
from nhi_revoke.model.ref import PrincipalRef

MOST_FILES = 32
MOST_BYTES = 64 * 1024
SHORTEST_REASON = 10
"""Characters of --break-glass: whoever reads the report must learn why."""
EMERGENCY = "In an emergency --break-glass REASON does it alone, and the report says so."
_WILD = re.compile(r"[*?!]")
_UNSAFE = re.compile(r"[^A-Za-z0-9@.+_-]+")


class Rejected(Struct, frozen=True):
    """A signature that counts for nothing, and why."""

    file: str
    why: str


class Signed(Struct, frozen=True):
    """What people sign."""

    message: bytes
    operators: tuple[tuple[PrincipalRef, ...], ...]
    """Of each plan in it: who made it."""


class Checked(Struct, frozen=True):
    """All signatures beside a plan."""

    signers: tuple[Signer, ...]
    """Different people, in the order of their files' names."""
    rejected: tuple[Rejected, ...]


def message_of(content: bytes, plan: Plan) -> bytes:
    """What is signed: of which file, byte by byte, and of which steps, targets and settings."""
    sha256 = hashlib.sha256(content).hexdigest()
    return f"nhi-revoke plan approval, version 1\nplan {plan_digest(plan)}\nfile sha256 {sha256}\n".encode()


def signed_of(content: bytes, plan: Plan) -> Signed:
    """One plan, as its file has it."""
    return Signed(message_of(content, plan), (tuple(plan.operator),))


def signed_of_campaign(digest: str, sha256: str, operators: Sequence[tuple[PrincipalRef, ...]]) -> Signed:
    """All plans of a campaign: `digest` over theirs, `sha256` of the file."""
    message = f"nhi-revoke campaign approval, version 1\nplans {digest}\nfile sha256 {sha256}\n".encode()
    return Signed(message, tuple(operators))


def signature_files(plan_file: Path) -> tuple[Path, ...]:
    """`p.json.sig` and `p.json.NAME.sig` beside `p.json`."""
    found = plan_file.parent.glob(f"{glob.escape(plan_file.name)}.*sig")
    named = sorted(each for each in found if each.name.endswith(".sig") and each.is_file())
    return tuple(named[:MOST_FILES])


def signature_file(plan_file: Path, signer: str) -> Path:
    """Where this person's signature goes."""
    name = _UNSAFE.sub("_", signer)[:80].strip(".")
    return plan_file.with_name(f"{plan_file.name}.{name}.sig")


def checked(rules: Approving, plan_file: Path, signed: Signed) -> Checked:
    """Raises Refused without ssh-keygen, Usage where the allowed signers cannot be read."""
    files = signature_files(plan_file)
    if not files:
        return Checked((), ())
    allowed, program = allowed_signers(rules), SshKeygen.found()
    people: dict[str, Signer] = {}
    rejected: list[Rejected] = []
    for file in files:
        found = counted(rules, program, signed, file, allowed)
        if isinstance(found, Signer):
            people.setdefault(found.name, found)
        else:
            rejected.append(Rejected(file.name, found))
    return Checked(tuple(people.values()), tuple(rejected))


def allowed_signers(rules: Approving) -> Path:
    """Raises Usage where there is no such file."""
    if rules.allowed_signers is None or not rules.allowed_signers.is_file():
        raise Usage(
            "no-allowed-signers",
            f"approval.allowed_signers of nhi.toml names {rules.allowed_signers or 'nothing'}, which is no file: no "
            "signature can count. Nothing was changed.",
            "A line a person: NAME, key type and public key (ssh-keygen(1), ALLOWED SIGNERS).",
        )
    return rules.allowed_signers


def counted(rules: Approving, program: SshKeygen, signed: Signed, signature: Path, allowed: Path) -> Signer | str:
    """The person who signed, or why it counts for nothing."""
    if signature.stat().st_size > MOST_BYTES:
        return "it is no signature: too long"
    principals, said = program.principal(signature, allowed)
    name = principals.split(",")[0].strip()
    if not name:
        return f"its key stands for nobody in {allowed.name} now" + (f" ({said})" if said else "")
    if _WILD.search(name):
        return f"{allowed.name} names {name!r} for its key, which is no one person"
    key, said = program.verify(signed.message, signature, allowed, name)
    if not key:
        why = "it was made for another plan, for this one before it was changed, or for no plan"
        return f"{why} ({said})" if said else why
    his = (own(rules, name, operator) for operator in dict.fromkeys(signed.operators))
    return next(filter(None, his), "") or Signer(name, key)


def own(rules: Approving, name: str, operator: Sequence[PrincipalRef], part: str = "made the plan") -> str:
    """Why this person may not approve a plan of this operator's: it is he, or nobody can tell. Empty: he may, as far as
    is known.

    `part`: what the operator did, in words.
    """
    if not rules.people:
        return ""
    if not operator:
        return f"who {part} is unknown, so that nobody can tell whether it was {name}"
    if name not in rules.people:
        return f"approval.people does not say which operator {name} is, so that nobody can tell who {part}"
    # In whatever case: a name that is spelled otherwise than the vendor does must not let anybody approve his own.
    his = [each.casefold() for each in rules.people[name]]
    made = [str(ref) for ref in operator if any(fnmatchcase(str(ref).casefold(), each) for each in his)]
    return f"{name} is {made[0]}, who {part}: it needs somebody else" if made else ""


def must_be_approved(rules: Approving, plan: Plan, approval: Approval | None, *, typed: Sequence[str] = ()) -> None:
    """Raises Refused where nhi.toml demands more people than agreed. `typed`: what makes the same plan in a file."""
    if not rules.demands(plan.intent.order, irreversible=bool(plan.irreversible)):
        return
    if approval is None:
        raise not_approved(rules, 0, plan.identity.name, typed)
    # By now the plan has the operator of this very command.
    own_words = [said for each in approval.signers if (said := own(rules, each.name, plan.operator, "carries it out"))]
    have = len(approval.signers) - len(own_words)
    if approval.break_glass or have >= rules.required:
        return
    if own_words:
        raise Refused(
            "own-approval",
            f"nhi.toml demands {_people(rules.required)}, and {have} of those who agreed count: "
            f"{'; '.join(own_words)}. Nothing was changed. {EMERGENCY}",
            "Let somebody else carry it out, or approve it, too.",
        )
    raise not_approved(rules, have, plan.identity.name, typed)


def not_approved(rules: Approving, have: int, name: str, typed: Sequence[str] = ()) -> Refused:
    """The refusal of a command that carries out what it planned itself."""
    return Refused(
        "not-approved",
        f"nhi.toml demands {_people(rules.required)} for this, and {have} agreed. Nothing was changed. Save the plan, "
        f"let {others(rules.required)} approve it, then apply it. {EMERGENCY}",
        command(*(typed or ("plan", name)), "--save", "plan.json"),
    )


def not_enough(rules: Approving, found: Checked, file: str, what: str = "this plan") -> Refused:
    """The refusal of `apply`: who must do what, and what each signature lacked."""
    lacking = "; ".join(f"{each.file}: {each.why}" for each in found.rejected)
    have = f" by {', '.join(each.name for each in found.signers)}" if found.signers else ""
    return Refused(
        "not-approved",
        f"nhi.toml demands {_people(rules.required)} for {what}; {len(found.signers)} agreed{have}."
        f"{f' What counts for nothing: {lacking}.' if lacking else ''} Nothing was changed. {EMERGENCY}",
        f"{command('approve', file)}   # {others(rules.required - len(found.signers))}, as the allowed signers say",
    )


def broken_glass(rules: Approving, reason: str) -> Approval:
    """Raises Usage for a reason that says nothing."""
    said = " ".join(reason.split())
    if len(said) < SHORTEST_REASON:
        raise Usage(
            "break-glass-reason",
            f"--break-glass needs a reason of at least {SHORTEST_REASON} characters. Nothing was changed.",
            "Say why nobody could be waited for: it stands in the report.",
        )
    return Approval(rules.required, break_glass=said)


def others(many: int) -> str:
    """Who must still sign, in words."""
    return "somebody else" if many == 1 else f"{many} other people"


def _people(many: int) -> str:
    return f"the agreement of {many} {'person' if many == 1 else 'people'} by signature"
