"""One coordinate of orthogonal data (Ascent Fails to Forget, Section 5.1.1, App. C to G)."""
