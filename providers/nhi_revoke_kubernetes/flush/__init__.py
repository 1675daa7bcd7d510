"""What makes workloads forget the old credential."""
