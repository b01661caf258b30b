"""Class-wise forgetting, after "Understanding Fine-tuning in Approximate Unlearning"."""
