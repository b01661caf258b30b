"""The tables of the study: each file is one, found by its name."""
