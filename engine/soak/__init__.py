"""Soaks: endurance, queue and closed loop against the real daemon, with faults, gates, verdict and report."""
