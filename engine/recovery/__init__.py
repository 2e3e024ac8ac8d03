"""Algebra that finds a state without trying seeds."""
