"""The engine: everything that decides, searches, learns and records. Headless; never imports `tui`."""
