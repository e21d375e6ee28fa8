"""Helpers for the tests of rBPF."""
