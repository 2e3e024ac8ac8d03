"""Requests, from the inbox to their terminal state."""
