"""The console: a viewer of the engine over its control socket. It decides nothing."""
