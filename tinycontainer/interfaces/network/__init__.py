"""What devices, operators and drivers share where they use a network: addresses and protection."""
