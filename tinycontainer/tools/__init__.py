"""The tool chain: what makers, owners and auditors of containers do with files.

It stands on the metadata and token code of the device and verifies nothing in a way of its own.
"""
