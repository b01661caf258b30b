"""What a method is made of, as plain data: phases of weighted terms, losses, optimisers."""
