"""Managed policies of AWS's own that an incident meets; moto ships none by default. Shortened to what matters here."""

from __future__ import annotations

from typing import Any


def _document(effect: str, *actions: str) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": list(actions), "Resource": ["*"]}
    return {"Version": "2012-10-17", "Statement": [statement]}


_QUARANTINE = (
    "cloudtrail:LookupEvents",
    "ec2:RequestSpotInstances",
    "ec2:RunInstances",
    "ec2:StartInstances",
    "iam:AddUserToGroup",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreateRole",
    "iam:CreateUser",
    "iam:PassRole",
    "iam:PutUserPolicy",
    "iam:UpdateAccessKey",
    "lambda:CreateFunction",
    "organizations:CreateAccount",
)

VENDOR_POLICIES: dict[str, dict[str, Any]] = {
    "AdministratorAccess": _document("Allow", "*"),
    "ReadOnlyAccess": _document("Allow", "iam:Get*", "iam:List*", "s3:Get*", "s3:List*", "s3:ListAllMyBuckets"),
    "AWSDenyAll": _document("Deny", "*"),
    "AWSCompromisedKeyQuarantineV2": _document("Deny", *_QUARANTINE),
    "AWSCompromisedKeyQuarantineV3": _document("Deny", *_QUARANTINE, "bedrock:*", "s3:DeleteObject"),
    "AWSCompromisedKeyQuarantineV4": _document("Deny", *_QUARANTINE, "bedrock:*", "s3:DeleteObject"),
}
"""AWSDenyAll: AWS docs aws-managed-policy/latest/reference/AWSDenyAll. Quarantine: …/AWSCompromisedKeyQuarantineV4."""
