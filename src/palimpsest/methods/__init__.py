"""Unlearning methods by name: each file is one, with a function `plan` that gives its plan."""
