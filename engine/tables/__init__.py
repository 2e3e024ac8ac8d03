"""The room's lists: one file per table, `catalog.py` names them all; the command line, the console and exports read the same rows."""
