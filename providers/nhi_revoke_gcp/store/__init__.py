"""Where replacements are delivered in Google Cloud."""
