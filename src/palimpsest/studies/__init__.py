"""Studies: each a paper or a theory, above the engine; no study imports another."""
