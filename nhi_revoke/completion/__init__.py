"""Tab completion: the table of commands, static scripts for four shells, answers from local state; the manual page."""
