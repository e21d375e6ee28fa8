"""Verbs that make keys, code and containers."""
