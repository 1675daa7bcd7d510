"""Amazon Web Services: users and roles, their keys, passwords, sessions and trusts. Importing this loads no boto3."""

from __future__ import annotations

from nhi_revoke_aws.provider import AwsProvider

provider = AwsProvider()
