"""CWT/COSE tokens of TinyContainer: roles, keys, claims, issue and verify.

This package knows nothing of containers. It imports nothing from the rest of the project, and can
be used without it.
"""

from .claims import Claims
from .errors import (
    CborError,
    ClaimsError,
    KeyFileError,
    SequenceOvertaken,
    SequenceStoreError,
    TokenError,
    TokenRefused,
)
from .issue import issue
from .keys import KeyEntry, KeyMaterial, KeyStore
from .kinds import Algorithm, Kind, Profile, Role
from .sequences import (
    Accepted,
    MemorySequenceStore,
    SequenceStore,
    SequenceSubject,
    require_not_overtaken,
)
from .verify import Expectation, StepOutcome, Verification, VerificationStep, verify

__all__ = [
    "Accepted",
    "Algorithm",
    "CborError",
    "Claims",
    "ClaimsError",
    "Expectation",
    "KeyEntry",
    "KeyFileError",
    "KeyMaterial",
    "KeyStore",
    "Kind",
    "MemorySequenceStore",
    "Profile",
    "Role",
    "SequenceOvertaken",
    "SequenceStore",
    "SequenceStoreError",
    "SequenceSubject",
    "StepOutcome",
    "TokenError",
    "TokenRefused",
    "Verification",
    "VerificationStep",
    "issue",
    "require_not_overtaken",
    "verify",
]
