"""Exploration of policies; promotes nothing."""
