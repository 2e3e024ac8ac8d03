"""The three scenarios: what keeps coming, what is asked for, and when."""
