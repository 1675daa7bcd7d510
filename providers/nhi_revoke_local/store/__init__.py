"""Where replacements are kept on this machine."""
