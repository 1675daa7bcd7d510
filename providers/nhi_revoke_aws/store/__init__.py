"""Where replacements are delivered on AWS."""
