"""Tab completion: the table of commands, static scripts for three shells, and answers from local state."""
