"""The view-model: a snapshot and its age in, lines of words out; no toolkit, no socket, no clock of its own."""
