"""The six steps, their artifacts and their runner."""
