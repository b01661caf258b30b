"""Fine-tuning in linear models (Why Fine-Tuning Struggles, Sections 2 to 4, App. A.1 and B)."""
