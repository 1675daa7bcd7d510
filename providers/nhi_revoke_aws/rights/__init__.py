"""What the operator may do in an account: IAM policies to hand over, and AWS's own judge of what is held."""
