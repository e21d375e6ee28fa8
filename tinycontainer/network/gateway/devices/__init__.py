"""Requests on their way to devices: sent at once, or kept until the device is awake."""
