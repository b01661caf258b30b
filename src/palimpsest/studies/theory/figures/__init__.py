"""The figures of both theories, one file each."""
