"""Brings containers to devices through the gateway before them."""
