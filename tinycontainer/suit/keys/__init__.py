"""Keys of those who make updates: P-256 and Ed25519, from PEM and COSE_Key."""
