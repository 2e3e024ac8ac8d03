"""Histories whose answer is known and hidden: planted truths of every kind the analyst meets, and draws that no generator made."""
