"""What tells Okta's principals elsewhere, and from where they are used (`find --consumers`)."""
