"""What a method is made of, as plain data: plans of phases of weighted terms, losses, optimisers."""
