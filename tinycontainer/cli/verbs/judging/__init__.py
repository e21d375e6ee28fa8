"""Verbs that look at files and implementations, and judge them."""
