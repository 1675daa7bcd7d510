"""The command line: one file per command; each parses, calls the engine and returns a Result."""
