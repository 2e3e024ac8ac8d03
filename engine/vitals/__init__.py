"""What the engine weighs: readings of its own process, their samples, their slopes."""
