"""The statements of both papers, each with the cases that decide it."""
