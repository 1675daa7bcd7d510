"""What uses the credentials of an identity in an organisation (`find --consumers`)."""
