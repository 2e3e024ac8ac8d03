"""Faults that a soak fires at its own daemon, from outside it, one family a module; `catalog.py` lists them."""
