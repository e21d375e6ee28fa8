"""Verbs for a device on a network."""
