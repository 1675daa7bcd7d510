"""What the standards call what a run does. Only ids that were confirmed against their sources stand here.

Facts standards.md, D1 (OWASP NHI Top 10 2025), D2 (NIST CSF 2.0), D3 (SP 800-61r3), D4 (SP 800-207), D5 (ATT&CK),
D6 (D3FEND, ontology 2025-08-25). What that file marks as recalled (D3FEND's tactic for D3-UAP, CSF crosswalks, further
ATT&CK techniques) is not printed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from nhi_revoke.model.found import KEY_FAMILIES, SESSION_FAMILIES
from nhi_revoke.model.intent import Reason
from nhi_revoke.model.report import Report, StepResult
from nhi_revoke.model.step import Phase

D3FEND_VERSION = "2025-08-25"
"""Of the ontology that the ids were read in."""
CONFIRMED = (
    "Only ids that were checked against their own sources are printed. They say what a step works towards, never that "
    "it is reached (that is the headline's word), nor that a technique was used."
)


class Countermeasure(NamedTuple):
    """A D3FEND technique."""

    id: str
    name: str
    tactic: str
    """`Evict`, `Harden`, `Restore`; empty where it was not confirmed."""


CREDENTIAL_EVICTION = Countermeasure("D3-CE", "Credential Eviction", "Evict")
CREDENTIAL_REVOCATION = Countermeasure("D3-CR", "Credential Revocation", "Evict")
"""Deletes for good: never for what is only disabled."""
ACCOUNT_LOCKING = Countermeasure("D3-AL", "Account Locking", "Evict")
CACHE_INVALIDATION = Countermeasure("D3-ANCI", "Authentication Cache Invalidation", "Evict")
SESSION_TERMINATION = Countermeasure("D3-ST", "Session Termination", "Evict")
CREDENTIAL_ROTATION = Countermeasure("D3-CRO", "Credential Rotation", "Harden")
CERTIFICATE_ROTATION = Countermeasure("D3-CERO", "Certificate Rotation", "Harden")
PASSWORD_ROTATION = Countermeasure("D3-PR", "Password Rotation", "Harden")
REISSUE = Countermeasure("D3-RIC", "Reissue Credential", "Restore")
RESTORE_ACCESS = Countermeasure("D3-RUAA", "Restore User Account Access", "Restore")
PERMISSIONS = Countermeasure("D3-UAP", "User Account Permissions", "")

_ROTATION = {"certificate": CERTIFICATE_ROTATION, "password": PASSWORD_ROTATION}


class Entry(NamedTuple):
    """One line of the mapping."""

    did: str
    """What this run did or shows."""
    standard: str
    id: str
    name: str


def families(report: Report) -> dict[str, str]:
    """Access kind -> family, as far as the report holds one of that kind."""
    return {o.access.kind: o.access.family for o in report.outcomes}


def takes_back(step: StepResult) -> bool:
    """Whether a step brings something back to life instead of ending it."""
    return step.phase is Phase.RELEASE or step.result == "undone" or step.id.startswith("undo-")


def denies(step: StepResult) -> bool:
    """Whether it works by a policy that denies, by the name of its doer."""
    return step.does.rpartition("/")[2].startswith("deny")


def countermeasure(step: StepResult, family_of: Mapping[str, str]) -> Countermeasure | None:
    """What D3FEND calls this step; None where it has no confirmed word (a trust, a grant, a proof)."""
    kind, _, verb = step.does.rpartition("/")
    family = family_of.get(kind, "")
    if takes_back(step):
        return RESTORE_ACCESS
    match step.phase:
        case Phase.FLUSH:
            return CACHE_INVALIDATION
        case Phase.DELIVER | Phase.SERVE:
            return REISSUE
        case Phase.MINT if verb == "create":
            return _ROTATION.get(family, CREDENTIAL_ROTATION)
        case Phase.PROVE:
            return None
    if denies(step):
        return PERMISSIONS
    if family == "principal":
        return ACCOUNT_LOCKING
    if family in SESSION_FAMILIES:
        return SESSION_TERMINATION
    if family in KEY_FAMILIES:
        final = verb.startswith("delete") and not step.reversible
        return CREDENTIAL_REVOCATION if final else CREDENTIAL_EVICTION
    return None


def mapping(report: Report) -> Iterator[Entry]:
    """What this report gives evidence for, in what each standard calls it."""
    yield from _incident(report)
    csf = "NIST CSF 2.0"
    done = [s for s in report.steps if s.result in ("done", "already")]
    if any(s.phase in (Phase.CUT, Phase.SEAL) for s in done):
        yield Entry("sessions and keys cut off", csf, "RS.MI-01", "Incidents are contained")
        tenets = "tenets 3, 4, 6"
        yield Entry(
            "sessions and keys cut off", "NIST SP 800-207", tenets, "Access is granted per session and decided anew"
        )
    if any(s.phase in (Phase.END, Phase.FINISH) and not takes_back(s) for s in done):
        yield Entry("accesses ended or deleted", csf, "RS.MI-02", "Incidents are eradicated")
    if any(r.result in ("served", "delivered") for r in report.replacements):
        name = "Identities and credentials for authorized users, services, and hardware are managed by the organization"
        yield Entry("credential replaced", csf, "PR.AA-01", name)
    if report.journal_sha256:
        name = "Actions performed during an investigation are recorded; integrity and provenance are preserved"
        yield Entry("journal, chained by sha256", csf, "RS.AN-06", name)
        yield Entry("journal, chained by sha256", csf, "RS.AN-07", "Incident data and metadata are collected")
    yield Entry("containment and its record", "NIST", "SP 800-61r3", "Respond (CSF 2.0 Community Profile)")
    known = families(report)
    found = {m: None for s in done if (m := countermeasure(s, known)) is not None}
    for each in found:
        yield Entry("steps of this run", "MITRE D3FEND", each.id, each.name)
    if any(o.access.family == "token" for o in report.outcomes):
        yield Entry("tokens looked for", "MITRE ATT&CK", "T1550.001", "Application Access Token")
    if report.planted or any(o.appeared for o in report.outcomes):
        yield Entry(
            "what the identity added was looked for", "MITRE ATT&CK", "T1098.001", "Additional Cloud Credentials"
        )


def _incident(report: Report) -> Iterator[Entry]:
    owasp = "OWASP NHI Top 10 2025"
    reason = report.intent.reason
    if reason in (Reason.LEAKED, Reason.TOKEN_REUSE):
        yield Entry(f"reason: {reason.value}", owasp, "NHI2:2025", "Secret Leakage")
    if reason is Reason.OFFBOARDING:
        yield Entry(f"reason: {reason.value}", owasp, "NHI1:2025", "Improper Offboarding")
    if reason is Reason.VENDOR_BREACH:
        yield Entry(f"reason: {reason.value}", owasp, "NHI3:2025", "Vulnerable Third-Party NHI")
    if report.replacements:
        yield Entry("rotation", owasp, "NHI7:2025", "Long-Lived Secrets")
