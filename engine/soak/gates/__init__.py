"""The gates, one question each; `table.py` lists them."""
