"""Access kinds of Google Cloud, one file each."""
