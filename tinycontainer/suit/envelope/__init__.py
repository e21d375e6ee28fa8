"""The codec of envelopes: bytes to values and back, and the static rules of our profile."""
