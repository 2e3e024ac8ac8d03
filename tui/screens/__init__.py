"""Screens: each paints a model, nothing else."""
