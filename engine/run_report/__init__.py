"""The report of one run: everything that it recorded, as one HTML page or as text."""
