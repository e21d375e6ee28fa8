"""CWT/COSE tokens of TinyContainer: roles, keys, claims, issue and verify.

This package knows nothing of containers. It imports nothing from the rest of the project, and can
be used without it.
"""

from .claims import Claims
from .errors import (
    CborError,
    ClaimsError,
    KeyFileError,
    SequenceFileError,
    TokenError,
    TokenRefused,
)
from .issue import issue
from .keys import KeyEntry, KeyMaterial, KeyStore
from .kinds import Algorithm, Kind, Profile, Role
from .sequences import (
    Accepted,
    FileSequenceStore,
    MemorySequenceStore,
    SequenceStore,
    SequenceSubject,
)
from .verify import Expectation, StepOutcome, Verification, VerificationStep, verify

__all__ = [
    "Accepted",
    "Algorithm",
    "CborError",
    "Claims",
    "ClaimsError",
    "Expectation",
    "FileSequenceStore",
    "KeyEntry",
    "KeyFileError",
    "KeyMaterial",
    "KeyStore",
    "Kind",
    "MemorySequenceStore",
    "Profile",
    "Role",
    "SequenceFileError",
    "SequenceStore",
    "SequenceSubject",
    "StepOutcome",
    "TokenError",
    "TokenRefused",
    "Verification",
    "VerificationStep",
    "issue",
    "verify",
]
