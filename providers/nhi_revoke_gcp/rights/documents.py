"""Custom roles that allow what a stage needs, and no more.

Google Cloud docs: iam/docs/creating-custom-roles (`gcloud iam roles create --file`), understanding-custom-roles (a role
of a project holds nothing that is of folders and organisations), deny-access (deny policies are of an organisation's
roles). Which permissions custom roles take, Google tells itself: queryTestablePermissions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nhi_revoke.model.right import Document, Stage

ABOVE = ("resourcemanager.organizations.", "resourcemanager.folders.", "iam.denypolicies.")
"""Of what stands above a project: in a role of the organisation alone."""

READS_SECRETS = "secretmanager.versions.access"


def is_above(permission: str) -> bool:
    """Whether no role of a project can hold it."""
    return permission.startswith(ABOVE)


def documents(stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
    """A role for each project, and one for the organisation."""
    of_project = [each for each in sorted(permissions) if not is_above(each)]
    of_above = [each for each in sorted(permissions) if is_above(each)]
    word = stage.capitalize()
    if of_project:
        file = f"nhi-revoke-{stage}-project.yaml"
        make = f"gcloud iam roles create nhiRevoke{word} --project=PROJECT --file={file}"
        secret = f" {READS_SECRETS} allows to read secrets: bind it on the delivery's own secret alone."
        hand_in = (
            f"{make}, bound to the responder in each project. A permission that gcloud refuses is granted by a "
            f"predefined role beside it.{secret if READS_SECRETS in of_project else ''}"
        )
        yield _role("project-role", file, f"nhi-revoke {stage}", of_project, hand_in)
    if of_above:
        file = f"nhi-revoke-{stage}-organization.yaml"
        make = f"gcloud iam roles create nhiRevoke{word}Above --organization=ORGANIZATION --file={file}"
        hand_in = f"{make}, bound on the organisation: no role of a project can hold these."
        yield _role("organization-role", file, f"nhi-revoke {stage} above projects", of_above, hand_in)


def _role(name: str, file: str, title: str, permissions: Sequence[str], hand_in: str) -> Document:
    text = "\n".join(
        [
            f"title: {title}",
            "description: What nhi-revoke declares that it needs, and no more",
            "stage: GA",
            "includedPermissions:",
            *(f"- {each}" for each in permissions),
        ]
    )
    return Document(name, file, "application/yaml", text + "\n", hand_in, tuple(permissions))
