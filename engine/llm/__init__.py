"""Advice, typed; it advises and does nothing else."""
