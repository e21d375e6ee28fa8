"""Secure updates on a desk: envelopes are made of bundles, opened again, judged and explained."""
