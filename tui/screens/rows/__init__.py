"""The parts of a list's screen: each builds on `Listed`; `tui.screens.lists` puts them together."""
