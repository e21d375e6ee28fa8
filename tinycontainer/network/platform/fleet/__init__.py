"""Devices, what they accept, and whether they would take a release."""
