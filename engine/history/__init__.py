"""Draws: importers, sessions, snapshots, the synthetic injector."""
