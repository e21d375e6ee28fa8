"""What a container is, where it lies, and how it is judged before it is loaded."""
