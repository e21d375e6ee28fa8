"""Verbs about the program itself, and what is installed."""
