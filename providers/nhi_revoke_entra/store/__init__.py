"""Where replacements are delivered in Azure."""
