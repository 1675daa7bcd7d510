"""One file for each kind of access."""
