"""Hypotheses, plans, chunks, survivors, coverage."""
