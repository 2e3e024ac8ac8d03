"""Alerts: rules with raise and clear limits, a book folded from the journal, delivery by webhook."""
