"""The study of "Ascent Fails to Forget"."""
