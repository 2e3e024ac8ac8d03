"""Pure statistics: what may be claimed, and how much."""
