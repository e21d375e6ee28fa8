"""Verbs that run devices, and show what happened."""
