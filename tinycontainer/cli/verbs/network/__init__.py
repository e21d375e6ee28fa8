"""Serve a device on a network, and manage one from afar."""
