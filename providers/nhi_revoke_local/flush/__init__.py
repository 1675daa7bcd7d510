"""What makes a local cache or process forget the old credential."""
