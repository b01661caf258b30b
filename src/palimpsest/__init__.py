"""Palimpsest: machine unlearning whose results can be trusted."""
