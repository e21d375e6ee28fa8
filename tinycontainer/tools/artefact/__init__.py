"""Containers as files hold them, and what they say before anything is verified."""
