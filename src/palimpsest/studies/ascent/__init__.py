"""The paper "Ascent Fails to Forget": its figures, its claims and its report."""
