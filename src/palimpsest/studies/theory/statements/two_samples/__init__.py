"""Two correlated samples (Ascent Fails to Forget, Section 5.1.2, App. H, Figure 4)."""
