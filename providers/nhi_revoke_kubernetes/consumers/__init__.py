"""What uses the credentials of an identity in a cluster (`find --consumers`)."""
