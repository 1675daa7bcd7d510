"""Where replacements are delivered: secrets of Actions, environments, organisations, Dependabot."""
