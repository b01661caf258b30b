"""The figures of both theories."""
