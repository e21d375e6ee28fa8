"""Owners let others use their devices for some time, within limits, and take that back."""
