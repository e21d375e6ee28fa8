"""Evidence: what a device signs of itself, and how anybody checks it with its public key alone.

Everything here is pure: whoever uses it carries the bytes and draws the nonce.
"""

from .checking import (
    EvidenceFault,
    EvidenceRefused,
    check_events,
    check_own_events,
    check_statement,
)
from .own_events import hash_events, uid_of_event
from .signing import sign_statement
from .statement import (
    MAX_STATEMENT_BYTES,
    NONCE_BYTES,
    StatedContainer,
    Statement,
    StatementTooLong,
)

__all__ = [
    "MAX_STATEMENT_BYTES",
    "NONCE_BYTES",
    "EvidenceFault",
    "EvidenceRefused",
    "StatedContainer",
    "Statement",
    "StatementTooLong",
    "check_events",
    "check_own_events",
    "check_statement",
    "hash_events",
    "sign_statement",
    "uid_of_event",
]
