"""Unlearning by adapters, after "Residual Feature Alignment Using LoRA"."""
