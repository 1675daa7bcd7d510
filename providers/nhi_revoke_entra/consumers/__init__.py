"""What uses the credentials of an app in a tenant and its subscriptions (`find --consumers`)."""
