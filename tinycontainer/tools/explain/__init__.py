"""Whether a device would load a container, and the likely cause if it would not."""
