"""What still trusts an old credential: caches of API Gateway, and consumers that hold it in memory. One file each."""
