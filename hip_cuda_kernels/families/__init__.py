"""The families by the place that their users meet them in: one file a group, one entry a family."""
