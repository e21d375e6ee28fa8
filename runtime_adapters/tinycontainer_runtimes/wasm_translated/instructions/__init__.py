"""What each family of instructions is in Python."""
