"""Verbs for secure updates."""
