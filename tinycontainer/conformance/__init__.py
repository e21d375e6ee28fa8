"""The conformance suite: judges any implementation through a line protocol, ours included.

`specs/conformance-protocol.md` describes the protocol, `specs/conformance/` holds the cases.
"""
