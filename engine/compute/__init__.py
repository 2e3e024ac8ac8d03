"""Where work runs: one door to Dask."""
