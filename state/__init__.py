"""The ground floor of truth: journal, artifacts, mirrors. Imports nothing of the engine."""
