"""What the operator may do in an organisation: an App and a token to make, and what GitHub tells of those there are."""
