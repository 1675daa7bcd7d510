"""What CloudTrail's events plant: one row for each event name. Pure data, held against botocore's models by a test.

AWS docs: the API reference of each service for names and parameters (CloudTrail writes them with a small first letter),
the AWS CLI's reference for the commands; Lambda docs, logging-using-cloudtrail, for the versions in its event names.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

ANY = "*"


class Plant(Struct, frozen=True):
    """One event that leaves something behind."""

    name: str
    """Without the version that Lambda appends."""
    to: tuple[str, ...]
    """Where the event names what it was done to, the first that is there: `asked.userName`, `answer.user.arn`."""
    kind: str
    """What a bare name there means: `user`, `role`, or a word of `planted.ARNS`."""
    what: tuple[str, ...] = ()
    """What else is told: a key id, a policy, whom it lets in. `a|b`: the first that is there."""
    only: tuple[str, str] | None = None
    """Where, and what must stand there, for it to count; `*`: anything."""
    listed: bool = False
    """On the plan's own principal the list of its accesses shows it: nothing needs to be told."""
    hand: str = ""
    """The command that ends it or looks at it: `{name}`, `{to}`, `{region}`, and `{0}`… for `what`."""
    source: str = "iam"
    model: str = ""
    """botocore's name of the service, where it is not the event source's."""


ACTIVE = ("asked.status", "Active")


def _on_user(name: str, *what: str, made: str = "", **more: Any) -> Plant:
    """`made`: the part of the answer that names the user, too, where the request left it out."""
    to = ("asked.userName", *((f"answer.{made}.userName",) if made else ()))
    return Plant(name, to, "user", what, **more)


def _on_role(name: str, *what: str, hand: str = "") -> Plant:
    return Plant(name, ("asked.roleName",), "role", what, hand=hand)


def _credentials() -> tuple[Plant, ...]:
    specific, certificate, key = "serviceSpecificCredential", "certificate", "sSHPublicKey"
    return (
        _on_user("CreateAccessKey", "answer.accessKey.accessKeyId", made="accessKey", listed=True),
        _on_user("UpdateAccessKey", "asked.accessKeyId", only=ACTIVE, listed=True),
        _on_user("CreateLoginProfile", made="loginProfile", listed=True),
        _on_user("UpdateLoginProfile", listed=True),
        _on_user(
            "CreateServiceSpecificCredential",
            f"answer.{specific}.serviceSpecificCredentialId",
            made=specific,
            listed=True,
        ),
        _on_user("ResetServiceSpecificCredential", "asked.serviceSpecificCredentialId", made=specific, listed=True),
        _on_user("UpdateServiceSpecificCredential", "asked.serviceSpecificCredentialId", only=ACTIVE, listed=True),
        _on_user("UploadSigningCertificate", f"answer.{certificate}.certificateId", made=certificate, listed=True),
        _on_user("UpdateSigningCertificate", "asked.certificateId", only=ACTIVE, listed=True),
        _on_user("UploadSSHPublicKey", f"answer.{key}.sSHPublicKeyId", made=key, listed=True),
        _on_user("UpdateSSHPublicKey", "asked.sSHPublicKeyId", only=ACTIVE, listed=True),
    )


def _factors() -> tuple[Plant, ...]:
    serial = "asked.serialNumber"
    return (
        _on_user(
            "EnableMFADevice", serial, hand="aws iam deactivate-mfa-device --user-name {name} --serial-number {0}"
        ),
        _on_user("DeactivateMFADevice", serial, hand="aws iam list-mfa-devices --user-name {name}"),
        Plant(
            "CreateVirtualMFADevice", ("answer.virtualMFADevice.serialNumber",), "mfa",
            hand="aws iam delete-virtual-mfa-device --serial-number {to}",
        ),
    )  # fmt: skip


def _users() -> tuple[Plant, ...]:
    policy = "--user-name {name} --policy-"
    return (
        Plant("CreateUser", ("answer.user.arn", "asked.userName"), "user"),
        Plant(
            "UpdateUser", ("asked.newUserName", "asked.userName"), "user", ("asked.userName",),
            hand="aws iam get-user --user-name {name}",
        ),
        _on_user("PutUserPolicy", "asked.policyName", hand=f"aws iam delete-user-policy {policy}name {{0}}"),
        _on_user("AttachUserPolicy", "asked.policyArn", hand=f"aws iam detach-user-policy {policy}arn {{0}}"),
        _on_user(
            "AddUserToGroup", "asked.groupName",
            hand="aws iam remove-user-from-group --user-name {name} --group-name {0}",
        ),
        _on_user("PutUserPermissionsBoundary", "asked.permissionsBoundary", hand="aws iam get-user --user-name {name}"),
        _on_user("DeleteUserPermissionsBoundary", hand="aws iam get-user --user-name {name}"),
    )  # fmt: skip


def _roles() -> tuple[Plant, ...]:
    look, policy = "aws iam get-role --role-name {name}", "--role-name {name} --policy-"
    profile = ("answer.instanceProfile.arn", "asked.instanceProfileName")
    named = "--instance-profile-name {name}"
    return (
        Plant("CreateRole", ("answer.role.arn", "asked.roleName"), "role"),
        _on_role("UpdateAssumeRolePolicy", hand=look),
        _on_role("PutRolePolicy", "asked.policyName", hand=f"aws iam delete-role-policy {policy}name {{0}}"),
        _on_role("AttachRolePolicy", "asked.policyArn", hand=f"aws iam detach-role-policy {policy}arn {{0}}"),
        _on_role("PutRolePermissionsBoundary", "asked.permissionsBoundary", hand=look),
        _on_role("DeleteRolePermissionsBoundary", hand=look),
        Plant("CreateInstanceProfile", profile, "instance-profile", hand=f"aws iam get-instance-profile {named}"),
        Plant(
            "AddRoleToInstanceProfile", profile[1:], "instance-profile", ("asked.roleName",),
            hand=f"aws iam remove-role-from-instance-profile {named} --role-name {{0}}",
        ),
    )  # fmt: skip


def _policies() -> tuple[Plant, ...]:
    versions = "aws iam list-policy-versions --policy-arn {to}"
    group = "--group-name {name} --policy-"
    return (
        Plant(
            "CreatePolicy", ("answer.policy.arn",), "policy",
            hand="aws iam list-entities-for-policy --policy-arn {to}",
        ),
        Plant(
            "CreatePolicyVersion", ("asked.policyArn",), "policy", ("answer.policyVersion.versionId",), hand=versions
        ),
        Plant("SetDefaultPolicyVersion", ("asked.policyArn",), "policy", ("asked.versionId",), hand=versions),
        Plant(
            "PutGroupPolicy", ("asked.groupName",), "group", ("asked.policyName",),
            hand=f"aws iam delete-group-policy {group}name {{0}}",
        ),
        Plant(
            "AttachGroupPolicy", ("asked.groupName",), "group", ("asked.policyArn",),
            hand=f"aws iam detach-group-policy {group}arn {{0}}",
        ),
    )  # fmt: skip


def _federation() -> tuple[Plant, ...]:
    oidc, saml = "openIDConnectProviderArn", "sAMLProviderArn"
    no_oidc = "aws iam delete-open-id-connect-provider --open-id-connect-provider-arn {to}"
    look_oidc = "aws iam get-open-id-connect-provider --open-id-connect-provider-arn {to}"
    request = "delegationRequestId"
    refuse = "aws iam reject-delegation-request --delegation-request-id {name}"
    look = "aws iam get-delegation-request --delegation-request-id {name}"
    return (
        Plant("CreateOpenIDConnectProvider", (f"answer.{oidc}",), "provider", ("asked.url",), hand=no_oidc),
        Plant(
            "AddClientIDToOpenIDConnectProvider", (f"asked.{oidc}",), "provider", ("asked.clientID",), hand=look_oidc
        ),
        Plant("UpdateOpenIDConnectProviderThumbprint", (f"asked.{oidc}",), "provider", hand=look_oidc),
        Plant(
            "CreateSAMLProvider", (f"answer.{saml}",), "provider",
            hand="aws iam delete-saml-provider --saml-provider-arn {to}",
        ),
        Plant(
            "UpdateSAMLProvider", (f"asked.{saml}",), "provider",
            hand="aws iam get-saml-provider --saml-provider-arn {to}",
        ),
        Plant("CreateDelegationRequest", (f"answer.{request}",), "delegation-request", hand=refuse),
        Plant("AcceptDelegationRequest", (f"asked.{request}",), "delegation-request", hand=look),
        Plant("SendDelegationToken", (f"asked.{request}",), "delegation-request", hand=look),
    )  # fmt: skip


def _elsewhere() -> tuple[Plant, ...]:
    anywhere, cluster = "rolesanywhere", "--cluster-name {0} --region {region}"
    anchor, profile = ("answer.trustAnchor.trustAnchorArn",), ("answer.profile.profileArn",)
    no_anchor = "aws rolesanywhere disable-trust-anchor --trust-anchor-id {name} --region {region}"
    no_profile = "aws rolesanywhere disable-profile --profile-id {name} --region {region}"
    entry, association = "answer.accessEntry", "answer.association"
    center = ("asked.permissionSetArn",)
    at = "--instance-arn {0} --permission-set-arn {to} --region {region}"
    return (
        *(
            Plant(name, anchor, "trust-anchor", ("answer.trustAnchor.name",), hand=no_anchor, source=anywhere)
            for name in ("CreateTrustAnchor", "UpdateTrustAnchor", "EnableTrustAnchor")
        ),
        *(
            Plant(name, profile, "profile", ("answer.profile.roleArns",), hand=no_profile, source=anywhere)
            for name in ("CreateProfile", "UpdateProfile", "EnableProfile")
        ),
        Plant(
            "CreateAccessEntry", (f"{entry}.accessEntryArn",), "access-entry",
            (f"{entry}.clusterName", f"{entry}.principalArn"), source="eks",
            hand=f"aws eks delete-access-entry --principal-arn {{1}} {cluster}",
        ),
        Plant(
            "AssociateAccessPolicy", ("answer.principalArn",), "access-entry",
            ("answer.clusterName", "answer.associatedAccessPolicy.policyArn"), source="eks",
            hand=f"aws eks disassociate-access-policy --principal-arn {{to}} --policy-arn {{1}} {cluster}",
        ),
        Plant(
            "CreatePodIdentityAssociation", (f"{association}.associationArn",), "pod-identity",
            (f"{association}.clusterName", f"{association}.associationId", f"{association}.roleArn"), source="eks",
            hand=f"aws eks delete-pod-identity-association --association-id {{1}} {cluster}",
        ),
        Plant(
            "CreateAccountAssignment", center, "permission-set",
            ("asked.instanceArn", "asked.principalType", "asked.principalId", "asked.targetId"),
            hand="aws sso-admin delete-account-assignment --principal-type {1} --principal-id {2} "
            f"--target-type AWS_ACCOUNT --target-id {{3}} {at}", source="sso", model="sso-admin",
        ),
        Plant(
            "PutInlinePolicyToPermissionSet", center, "permission-set", ("asked.instanceArn",),
            hand=f"aws sso-admin get-inline-policy-for-permission-set {at}", source="sso", model="sso-admin",
        ),
        Plant(
            "AttachManagedPolicyToPermissionSet", center, "permission-set",
            ("asked.instanceArn", "asked.managedPolicyArn"), source="sso", model="sso-admin",
            hand=f"aws sso-admin detach-managed-policy-from-permission-set --managed-policy-arn {{1}} {at}",
        ),
    )  # fmt: skip


def _resources() -> tuple[Plant, ...]:
    """Policies and grants that let somebody in on a resource."""
    look = "aws s3api get-bucket-{} --bucket {{name}}"
    return (
        Plant(
            "CreateGrant", ("answer.keyId", "asked.keyId"), "key", ("answer.grantId", "asked.granteePrincipal"),
            hand="aws kms revoke-grant --key-id {to} --grant-id {0} --region {region}", source="kms",
        ),
        Plant(
            "PutKeyPolicy", ("asked.keyId",), "key", source="kms",
            hand="aws kms get-key-policy --key-id {to} --policy-name default --region {region}",
        ),
        Plant("PutBucketPolicy", ("asked.bucketName",), "bucket", hand=look.format("policy"), source="s3"),
        Plant("PutBucketAcl", ("asked.bucketName",), "bucket", hand=look.format("acl"), source="s3"),
        Plant(
            "PutResourcePolicy", ("answer.aRN", "asked.secretId"), "secret", source="secretsmanager",
            hand="aws secretsmanager get-resource-policy --secret-id {to} --region {region}",
        ),
    )  # fmt: skip


def _launches() -> tuple[Plant, ...]:
    """What runs with a role that was handed to it (iam:PassRole): it keeps fetching sessions of that role."""
    function, any_role = ("answer.functionArn", "asked.functionName"), ("asked.role", ANY)
    stop = "aws lambda put-function-concurrency --function-name {to} --reserved-concurrent-executions 0 "
    region = "--region {region}"
    stop_instance = f"aws ec2 stop-instances --instance-ids {{name}} {region}"
    given = "asked.iamInstanceProfile.arn|asked.iamInstanceProfile.name"
    later = "asked.AssociateIamInstanceProfileRequest"
    profile = f"{later}.iamInstanceProfile.arn|{later}.iamInstanceProfile.name|{given}"
    return (
        Plant("RunInstances", ("answer.instancesSet.items.instanceId",), "instance", (given,),
              only=(given, ANY), hand=stop_instance, source="ec2"),
        Plant("AssociateIamInstanceProfile", (f"{later}.instanceId", "asked.instanceId"), "instance", (profile,),
              hand=stop_instance, source="ec2"),
        Plant("CreateFunction", function, "function", ("asked.role",), only=any_role, hand=stop + region,
              source="lambda"),
        Plant("UpdateFunctionConfiguration", function, "function", ("asked.role",), only=any_role, hand=stop + region,
              source="lambda"),
        Plant("UpdateFunctionCode", function, "function", ("answer.role",), hand=stop + region, source="lambda"),
        Plant("AddPermission", ("asked.functionName",), "function", ("asked.statementId", "asked.principal"),
              hand=f"aws lambda remove-permission --function-name {{to}} --statement-id {{0}} {region}",
              source="lambda"),
        Plant("CreateFunctionUrlConfig", function, "function", ("asked.authType",),
              hand=f"aws lambda delete-function-url-config --function-name {{to}} {region}", source="lambda"),
        Plant("RegisterTaskDefinition", ("answer.taskDefinition.taskDefinitionArn",), "task-definition",
              ("asked.taskRoleArn",), only=("asked.taskRoleArn", ANY), source="ecs",
              hand=f"aws ecs deregister-task-definition --task-definition {{to}} {region}"),
        Plant("CreateStack", ("answer.stackId",), "stack", ("asked.roleARN",), only=("asked.roleARN", ANY),
              source="cloudformation",
              hand=f"aws cloudformation describe-stack-resources --stack-name {{to}} {region}"),
        Plant("CreateProject", ("answer.project.arn",), "project", ("asked.serviceRole",), source="codebuild",
              hand=f"aws codebuild batch-get-projects --names {{to}} {region}"),
        Plant("CreateStateMachine", ("answer.stateMachineArn",), "state-machine", ("asked.roleArn",), source="states",
              model="stepfunctions",
              hand=f"aws stepfunctions describe-state-machine --state-machine-arn {{to}} {region}"),
        Plant("CreateSchedule", ("answer.scheduleArn",), "schedule", ("asked.target.roleArn",), source="scheduler",
              only=("asked.target.roleArn", ANY), hand=f"aws scheduler get-schedule --name {{name}} {region}"),
        Plant("CreateNotebookInstance", ("answer.notebookInstanceArn",), "notebook", ("asked.roleArn",),
              source="sagemaker",
              hand=f"aws sagemaker stop-notebook-instance --notebook-instance-name {{name}} {region}"),
    )  # fmt: skip


PLANTS: dict[tuple[str, str], Plant] = {
    (plant.source, plant.name): plant
    for plant in (
        *_credentials(), *_factors(), *_users(), *_roles(), *_policies(), *_federation(), *_elsewhere(), *_resources(),
        *_launches(),
    )
}  # fmt: skip
"""By event source and event name: several services have a `CreateUser` and a `PutResourcePolicy`."""
