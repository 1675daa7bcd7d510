"""The pipeline, from resolve to report: every command is it, cut at a point."""
