"""What a policy has to allow, in Vault's own words: a capability, and the path that it is for.

Vault docs: concepts/policies, api-docs/secret/kv/kv-v2 (a write needs `create` where there is no secret yet, else
`update`). What is said of a token itself stands in the `default` policy.
"""

from __future__ import annotations

READ = "read MOUNT/data/PATH"
CREATE = "create MOUNT/data/PATH"
UPDATE = "update MOUNT/data/PATH"
READ_METADATA = "read MOUNT/metadata/PATH"
DELETE_VERSIONS = "update MOUNT/delete/PATH"
UNDELETE_VERSIONS = "update MOUNT/undelete/PATH"
CAPABILITIES = "update sys/capabilities-self"
LOOKUP_SELF = "read auth/token/lookup-self"
READ_CONFIG = "read MOUNT/config"
LIST_METADATA = "list MOUNT/metadata/PATH"
"""Names of secrets and folders, of KV version 2; of version 1 it is `list MOUNT/PATH`."""
