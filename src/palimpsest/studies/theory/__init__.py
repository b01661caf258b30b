"""The theory of two papers: their statements as functions, and the checks that judge them."""
