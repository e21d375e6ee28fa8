"""Helpers for the tests of TinyML."""
