"""Probes and endurance runs."""
