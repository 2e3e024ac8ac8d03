"""One GBNF grammar per question asked of a language model, with examples and a loader."""
