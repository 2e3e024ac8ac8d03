"""The verbs of the command line: one file per group, each ends in its own table; `table.py` lists the groups."""
