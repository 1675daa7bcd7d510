"""Where replacements are delivered in Vault."""
