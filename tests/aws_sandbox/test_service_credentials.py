"""Service-specific credentials, SSH keys, signing certificates and boundaries of users, as AWS documents them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from nhi_revoke_aws.sandbox.doors import Burglar, Refused
from nhi_revoke_aws.sandbox.own.service_credentials import ServiceCredentials
from nhi_revoke_aws.sandbox.own.user_keys import CERTIFICATE, SshKeys
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow

BOT = "bot"
CODECOMMIT, BEDROCK = "codecommit.amazonaws.com", "bedrock.amazonaws.com"
Code = Callable[[Callable[[], Any]], str]


@pytest.fixture
def iam(aws: AwsSandbox) -> Any:
    client = aws.client("iam")
    client.create_user(UserName=BOT)
    client.put_user_policy(UserName=BOT, PolicyName="all", PolicyDocument=allow("codecommit:*", "bedrock:*", "ec2:*"))
    return client


@pytest.fixture
def burglar(aws: AwsSandbox) -> Burglar:
    assert aws._clients is not None
    return Burglar(aws._clients, aws.endpoint, aws.world.region, lambda _: None)


def make(iam: Any, service: str = CODECOMMIT, **more: Any) -> dict[str, Any]:
    made = iam.create_service_specific_credential(UserName=BOT, ServiceName=service, **more)
    return dict(made["ServiceSpecificCredential"])


def rows(iam: Any, **more: Any) -> list[dict[str, Any]]:
    return list(iam.list_service_specific_credentials(**{"UserName": BOT, **more})["ServiceSpecificCredentials"])


def works(burglar: Burglar, made: dict[str, Any]) -> bool:
    form = {"at": made["ServiceName"]}
    if "ServicePassword" in made:
        form |= {"username": made["ServiceUserName"], "password": made["ServicePassword"]}
    else:
        form |= {"key": made["ServiceCredentialSecret"]}
    try:
        burglar.knock("service-credential", **form)
    except Refused:
        return False
    return True


def deny(iam: Any, statement: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Resource": "*", **statement}]}
    iam.put_user_policy(UserName=BOT, PolicyName="deny", PolicyDocument=json.dumps(document))


# -- operations --------------------------------------------------------------------------------------------------------


def test_a_password_is_shown_once(iam: Any) -> None:
    made = make(iam)
    assert made["ServiceUserName"] == f"{BOT}-at-{ACCOUNT}"
    assert made["Status"] == "Active"
    assert "ServiceCredentialSecret" not in made
    assert "ExpirationDate" not in made
    [row] = rows(iam)
    assert row == {k: v for k, v in made.items() if k != "ServicePassword"}


def test_an_api_key_has_an_alias_and_may_expire(aws: AwsSandbox, iam: Any, burglar: Burglar) -> None:
    made = make(iam, BEDROCK, CredentialAgeDays=30)
    assert "ServiceUserName" not in made
    assert (made["ExpirationDate"] - made["CreateDate"]).days == 30
    assert works(burglar, made)
    aws.advance(30 * 86_400)
    [row] = rows(iam)
    assert row["Status"] == "Expired"
    assert not works(burglar, made)
    iam.update_service_specific_credential(
        UserName=BOT, ServiceSpecificCredentialId=row["ServiceSpecificCredentialId"], Status="Active"
    )
    assert not works(burglar, made), "expired stays expired"


def test_two_of_each_service(iam: Any, code: Code) -> None:
    first, second = make(iam), make(iam)
    assert first["ServiceUserName"] != second["ServiceUserName"]
    its_id = second["ServiceSpecificCredentialId"]
    iam.update_service_specific_credential(UserName=BOT, ServiceSpecificCredentialId=its_id, Status="Inactive")
    assert code(lambda: make(iam)) == "LimitExceeded", "an inactive one counts"
    assert make(iam, BEDROCK)["ServiceName"] == BEDROCK, "another service has slots of its own"
    iam.delete_service_specific_credential(UserName=BOT, ServiceSpecificCredentialId=its_id)
    assert make(iam)["Status"] == "Active"


def test_what_it_refuses(iam: Any, code: Code) -> None:
    made = make(iam)
    other = {"UserName": "nobody"}
    missing = {"UserName": BOT, "ServiceSpecificCredentialId": "ACCA" + "X" * 17}
    foreign = {"UserName": "incident-responder", "ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"]}
    assert code(lambda: iam.list_service_specific_credentials(**other)) == "NoSuchEntity"
    assert code(lambda: iam.create_service_specific_credential(**other, ServiceName=BEDROCK)) == "NoSuchEntity"
    for which in (missing, foreign):
        assert code(lambda w=which: iam.delete_service_specific_credential(**w)) == "NoSuchEntity"  # type: ignore[misc]  # mypy infers no default of a lambda
        assert code(lambda w=which: iam.reset_service_specific_credential(**w)) == "NoSuchEntity"  # type: ignore[misc]  # mypy infers no default of a lambda
    assert code(lambda: make(iam, "s3.amazonaws.com")) == "NotSupportedService"
    assert code(lambda: make(iam, CODECOMMIT, CredentialAgeDays=3)) == "ValidationError"
    assert code(lambda: iam.list_service_specific_credentials(UserName=BOT, AllUsers=True)) == "ValidationError"
    assert len(rows(iam)) == 1


def test_without_a_name_it_is_the_callers_own(aws: AwsSandbox, iam: Any) -> None:
    make(iam)
    assert iam.list_service_specific_credentials()["ServiceSpecificCredentials"] == []
    operator = "incident-responder"
    mine = iam.create_service_specific_credential(UserName=operator, ServiceName=BEDROCK)["ServiceSpecificCredential"]
    [row] = iam.list_service_specific_credentials()["ServiceSpecificCredentials"]
    assert row["ServiceSpecificCredentialId"] == mine["ServiceSpecificCredentialId"]
    everybody = iam.list_service_specific_credentials(AllUsers=True)["ServiceSpecificCredentials"]
    assert {r["UserName"] for r in everybody} == {BOT, operator}


def test_reset_kills_the_old_password_at_once(iam: Any, burglar: Burglar) -> None:
    old = make(iam)
    new = iam.reset_service_specific_credential(
        UserName=BOT, ServiceSpecificCredentialId=old["ServiceSpecificCredentialId"]
    )["ServiceSpecificCredential"]
    assert new["ServiceSpecificCredentialId"] == old["ServiceSpecificCredentialId"]
    assert works(burglar, new)
    assert not works(burglar, old)


def test_pages(aws: AwsSandbox, iam: Any) -> None:
    made = [make(iam), make(iam), make(iam, BEDROCK)]
    wanted = {m["ServiceSpecificCredentialId"] for m in made}
    aws.page_size(1)
    own = next(s for s in aws.world.own.services if isinstance(s, ServiceCredentials))
    for own.empty_first in (False, True):
        sizes, found = [], []
        marker: dict[str, str] = {}
        while True:
            page = iam.list_service_specific_credentials(UserName=BOT, **marker)
            found += [r["ServiceSpecificCredentialId"] for r in page["ServiceSpecificCredentials"]]
            sizes.append(len(page["ServiceSpecificCredentials"]))
            if not page["IsTruncated"]:
                break
            marker = {"Marker": page["Marker"]}
        assert sizes == ([0, 1, 1, 1] if own.empty_first else [1, 1, 1])
        assert set(found) == wanted
    assert len(rows(iam, ServiceName=BEDROCK)) == 0, "the empty page"
    own.empty_first = False
    assert len(rows(iam, ServiceName=BEDROCK)) == 1


def test_a_user_goes_last(iam: Any, code: Code) -> None:
    made = make(iam)
    iam.delete_user_policy(UserName=BOT, PolicyName="all")
    assert code(lambda: iam.delete_user(UserName=BOT)) == "DeleteConflict"
    iam.delete_service_specific_credential(
        UserName=BOT, ServiceSpecificCredentialId=made["ServiceSpecificCredentialId"]
    )
    assert code(lambda: iam.delete_user(UserName=BOT)) == "ok"


def test_secrets_are_canaries_and_in_no_log(aws: AwsSandbox, iam: Any) -> None:
    first = make(iam)
    new = iam.reset_service_specific_credential(
        UserName=BOT, ServiceSpecificCredentialId=first["ServiceSpecificCredentialId"]
    )["ServiceSpecificCredential"]
    secrets = {first["ServicePassword"], new["ServicePassword"], make(iam, BEDROCK)["ServiceCredentialSecret"]}
    assert len(secrets) == 3
    assert secrets <= set(aws.canaries())
    aws.advance(600)
    events = aws.client("cloudtrail").lookup_events()["Events"]
    assert any(e["EventName"] == "CreateServiceSpecificCredential" for e in events)
    assert not [s for s in secrets if s in json.dumps(events, default=str)]


def test_rights_are_judged_by_the_users_arn(aws: AwsSandbox, iam: Any, code: Code) -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {
                "Effect": "Deny",
                "Action": "iam:UpdateServiceSpecificCredential",
                "Resource": f"arn:aws:iam::{ACCOUNT}:user/{BOT}",
            },
        ],
    }
    made = make(iam)
    aws.admin("iam").put_user_policy(
        UserName="incident-responder", PolicyName="incident-response", PolicyDocument=json.dumps(document)
    )
    which = {"UserName": BOT, "ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"]}
    assert code(lambda: iam.update_service_specific_credential(**which, Status="Inactive")) == "AccessDenied"
    assert code(lambda: iam.delete_service_specific_credential(**which)) == "ok"


# -- the data plane ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", [CODECOMMIT, BEDROCK])
def test_status_and_secret_decide(iam: Any, burglar: Burglar, service: str) -> None:
    made = make(iam, service)
    which = {"UserName": BOT, "ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"]}
    assert works(burglar, made)
    part = "ServicePassword" if "ServicePassword" in made else "ServiceCredentialSecret"
    assert not works(burglar, {**made, part: "wrong"})
    assert not works(burglar, {**made, "ServiceName": "cassandra.amazonaws.com"}), "for its own service alone"
    iam.update_service_specific_credential(**which, Status="Inactive")
    assert not works(burglar, made)
    iam.update_service_specific_credential(**which, Status="Active")
    assert works(burglar, made)
    iam.delete_service_specific_credential(**which)
    assert not works(burglar, made)


def test_a_wrong_user_name_is_refused(iam: Any, burglar: Burglar) -> None:
    assert not works(burglar, {**make(iam), "ServiceUserName": "somebody-else"})


@pytest.mark.parametrize(
    ("statement", "still"),
    [
        ({"Action": "*"}, False),
        ({"Action": ["codecommit:GitPull", "bedrock:CallWithBearerToken"]}, False),
        ({"Action": "s3:*"}, True),
        ({"Action": "*", "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2030-01-01T00:00:00Z"}}}, True),
    ],
    ids=["everything", "the-action", "something-else", "by-issue-time"],
)
@pytest.mark.parametrize("service", [CODECOMMIT, BEDROCK])
def test_the_users_policies_decide(
    iam: Any, burglar: Burglar, service: str, statement: dict[str, Any], still: bool
) -> None:
    """A cut by issue time does not hit it: it is a long-term credential."""
    made = make(iam, service)
    deny(iam, statement)
    assert works(burglar, made) is still


def test_rights_must_be_there_at_all(iam: Any, burglar: Burglar) -> None:
    made = make(iam)
    iam.delete_user_policy(UserName=BOT, PolicyName="all")
    assert not works(burglar, made)


def test_writes_are_obeyed_after_the_lag(aws: AwsSandbox, iam: Any, burglar: Burglar) -> None:
    made = make(iam)
    aws.advance(10)
    aws.lag(4, 0)
    iam.update_service_specific_credential(
        UserName=BOT, ServiceSpecificCredentialId=made["ServiceSpecificCredentialId"], Status="Inactive"
    )
    assert rows(iam)[0]["Status"] == "Inactive"
    assert works(burglar, made), "not yet"
    aws.advance(5)
    assert not works(burglar, made)


# -- SSH keys and certificates -----------------------------------------------------------------------------------------


def test_an_inactive_ssh_key_and_a_denied_user_are_refused(aws: AwsSandbox, iam: Any, burglar: Burglar) -> None:
    key = iam.upload_ssh_public_key(UserName=BOT, SSHPublicKeyBody="ssh-ed25519 AAAA bot")["SSHPublicKey"]
    its_id = key["SSHPublicKeyId"]
    private = next(s for s in aws.world.own.services if isinstance(s, SshKeys)).hold(its_id)
    assert private in aws.canaries()

    def opens(**more: str) -> bool:
        try:
            burglar.knock("ssh-key", **{"id": its_id, "private": private, **more})
        except Refused:
            return False
        return True

    assert opens()
    assert not opens(private="wrong")
    assert not opens(id="APKA0000000000000000")
    iam.update_ssh_public_key(UserName=BOT, SSHPublicKeyId=its_id, Status="Inactive")
    assert not opens()
    iam.update_ssh_public_key(UserName=BOT, SSHPublicKeyId=its_id, Status="Active")
    deny(iam, {"Action": "codecommit:*"})
    assert not opens()
    iam.delete_user_policy(UserName=BOT, PolicyName="deny")
    assert opens()
    iam.delete_ssh_public_key(UserName=BOT, SSHPublicKeyId=its_id)
    assert not opens()


def test_two_certificates_at_most(iam: Any, code: Code) -> None:
    for _ in range(2):
        iam.upload_signing_certificate(UserName=BOT, CertificateBody=CERTIFICATE)
    upload = iam.upload_signing_certificate
    assert code(lambda: upload(UserName=BOT, CertificateBody=CERTIFICATE)) == "LimitExceeded"


# -- boundaries of users -----------------------------------------------------------------------------------------------


def test_a_users_boundary_is_shown_and_obeyed(aws: AwsSandbox, iam: Any, burglar: Burglar, code: Code) -> None:
    made = make(iam)
    arn = iam.create_policy(PolicyName="limit", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
    assert "PermissionsBoundary" not in iam.get_user(UserName=BOT)["User"]
    iam.put_user_permissions_boundary(UserName=BOT, PermissionsBoundary=arn)
    assert iam.get_user(UserName=BOT)["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    assert not works(burglar, made)
    [verdict] = iam.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/{BOT}", ActionNames=["codecommit:GitPull"]
    )["EvaluationResults"]
    assert verdict["EvalDecision"] == "implicitDeny"
    iam.delete_user_permissions_boundary(UserName=BOT)
    assert "PermissionsBoundary" not in iam.get_user(UserName=BOT)["User"]
    assert works(burglar, made)


def test_what_a_boundary_refuses(iam: Any, code: Code) -> None:
    arn = iam.create_policy(PolicyName="limit", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
    put = iam.put_user_permissions_boundary
    assert code(lambda: put(UserName="nobody", PermissionsBoundary=arn)) == "NoSuchEntity"
    assert code(lambda: put(UserName=BOT, PermissionsBoundary=arn + "-not")) == "NoSuchEntity"
    assert code(lambda: iam.delete_user_permissions_boundary(UserName=BOT)) == "NoSuchEntity"


# -- the demo ----------------------------------------------------------------------------------------------------------


def test_the_demos_doors_are_open_and_nothing_else_is_wider(everything: AwsSandbox) -> None:
    """The group's policy allows what the data planes here ask for, and nothing that another door uses."""
    mine = {"git-credential", "bedrock-api-key", "ssh-key", "signing-certificate"}
    found = {d.kind: d for d in everything.doors() if d.kind in mine}
    assert set(found) == mine
    assert all(d.open() for d in found.values())
    iam = everything.admin("iam")
    user = "payments-bot"
    [group] = iam.list_groups_for_user(UserName=user)["Groups"]
    policy = iam.get_group_policy(GroupName=group["GroupName"], PolicyName="builders")["PolicyDocument"]
    actions = policy["Statement"][0]["Action"]
    assert {a.partition(":")[0] for a in actions} == {"codecommit", "bedrock", "ec2"}
    assert not any("*" in a for a in actions)
    assert len(iam.list_mfa_devices(UserName=user)["MFADevices"]) == 1
    iam.remove_user_from_group(GroupName=group["GroupName"], UserName=user)
    assert not any(d.open() for d in found.values()), "their rights come from the group alone"
    with pytest.raises(ClientError):
        iam.remove_user_from_group(GroupName=group["GroupName"], UserName=user)
