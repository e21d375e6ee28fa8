"""Helpers for the tests of tokens and of the containers that carry them."""
