"""Recurrences that are linear over GF(2), each written once and run on integers and on linear forms alike."""
