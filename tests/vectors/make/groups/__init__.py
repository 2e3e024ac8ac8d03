"""What is stored, by the group of the registry that the families stand in."""
