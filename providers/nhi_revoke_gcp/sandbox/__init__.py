"""Google Cloud's behaviour on loopback: IAM over gRPC and over REST, the token endpoint, and what judges tokens."""
