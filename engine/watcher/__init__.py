"""Judges each step's result and decides."""
