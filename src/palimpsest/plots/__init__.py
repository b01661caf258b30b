"""What figures of all studies share."""
