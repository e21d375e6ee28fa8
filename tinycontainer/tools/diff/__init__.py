"""What changes between two versions of a container, in words."""
