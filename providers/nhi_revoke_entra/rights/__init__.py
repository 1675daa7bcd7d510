"""What the operator may do in a tenant: Graph permissions and an Azure role to hand over, and what tokens tell."""
