"""Models of tenants: read, checked, and written as a new file for native code."""
