"""The world around a device: how it is managed from afar. Nothing below knows this wing."""
