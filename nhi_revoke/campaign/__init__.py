"""Many identities at once: planned, carried out in waves by one or many workers, told as one. Extra `campaign`.

An item is one identity's run. Journals and locks go into the database, so that any worker can go on with any run.
"""
