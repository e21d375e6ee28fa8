"""Helpers for the tests of the conformance suite."""
