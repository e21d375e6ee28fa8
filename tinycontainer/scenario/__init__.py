"""What drives a device through a run, and what is expected of it."""
