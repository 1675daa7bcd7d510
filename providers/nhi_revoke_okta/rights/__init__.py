"""What the operator may do in an org: scopes and a role to hand over, and what the token endpoint and roles tell."""
