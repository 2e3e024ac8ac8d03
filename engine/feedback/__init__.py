"""Chapter 13: every new draw, once."""
