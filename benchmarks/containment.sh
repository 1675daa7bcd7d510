#!/bin/sh
# The same containment as a script of `aws` commands, one after the other: reads (what is undone must be known), writes,
# read-backs, then the seal. $AWS is the command, $URL the endpoint, $1 the user, $2 the role.
set -eu
user=$1 role=$2
iam() { "$AWS" --endpoint-url "$URL" iam "$@"; }
may_miss() { code=0; "$@" || code=$?; test "$code" -eq 0 || test "$code" -ge 254; }
statement='{"Effect":"Deny","Action":"*","Resource":"*"'
everything="{\"Version\":\"2012-10-17\",\"Statement\":[$statement}]}"
older() {
  now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  echo "{\"Version\":\"2012-10-17\",\"Statement\":[$statement,\"Condition\":{\"DateLessThan\":{\"aws:TokenIssueTime\":\"$now\"}}}]}"
}

# Reads: who am I, what is there, what is of our name already.
"$AWS" --endpoint-url "$URL" sts get-caller-identity
iam get-user --user-name "$user"
keys=$(iam list-access-keys --user-name "$user" --query 'AccessKeyMetadata[].AccessKeyId' --output text)
may_miss iam get-login-profile --user-name "$user"
may_miss iam get-user-policy --user-name "$user" --policy-name NHIRevoke
may_miss iam get-user-policy --user-name "$user" --policy-name AWSRevokeOlderSessions
iam list-attached-user-policies --user-name "$user"
iam get-role --role-name "$role"
may_miss iam get-role-policy --role-name "$role" --policy-name NHIRevoke
may_miss iam get-role-policy --role-name "$role" --policy-name AWSRevokeOlderSessions
iam list-attached-role-policies --role-name "$role"

# Writes.
iam put-user-policy --user-name "$user" --policy-name NHIRevoke --policy-document "$everything"
iam put-role-policy --role-name "$role" --policy-name NHIRevoke --policy-document "$(older)"
for key in $keys; do
  iam update-access-key --user-name "$user" --access-key-id "$key" --status Inactive
done
iam delete-login-profile --user-name "$user"

# Read-backs.
iam get-user-policy --user-name "$user" --policy-name NHIRevoke
iam get-role-policy --role-name "$role" --policy-name NHIRevoke
iam list-access-keys --user-name "$user"
may_miss iam get-login-profile --user-name "$user"

# The seal, and its read-back.
iam put-user-policy --user-name "$user" --policy-name NHIRevoke --policy-document "$(older)"
iam put-role-policy --role-name "$role" --policy-name NHIRevoke --policy-document "$(older)"
iam get-user-policy --user-name "$user" --policy-name NHIRevoke
iam get-role-policy --role-name "$role" --policy-name NHIRevoke
