"""Models of tenants: read, checked and written anew before native code sees them."""
