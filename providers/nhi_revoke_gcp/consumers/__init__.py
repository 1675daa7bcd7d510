"""What uses the credentials of an account in the projects that the operator sees (`find --consumers`)."""
