"""Faults that a soak fires at its own daemon, one module each, and the catalogue of them."""
