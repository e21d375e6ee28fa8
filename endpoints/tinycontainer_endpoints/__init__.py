"""Drivers: host services that containers reach through endpoints."""
