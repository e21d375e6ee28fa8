"""Why nothing was signed, or why a token was not taken."""

from enum import StrEnum


class RefusalReason(StrEnum):
    """The kind of a refusal."""

    KEY = "key"
    """It cannot sign here."""
    UNREACHABLE = "unreachable"
    """There was no answer of the platform."""
    PLATFORM = "platform"
    """The platform refuses."""
    ANSWER = "answer"
    """The answer does not have the form that was agreed."""
    UID = "uid"
    NUMBER = "number"
    PART = "part"
    PROFILE = "profile"
    CLAIMS = "claims"
    """What is to be signed are not the claims of such a token."""
    SEQUENCE = "sequence"
    """It is older than what was signed here before."""
    CONTENT = "content"
    """The token would vouch for other bytes than those that came with it."""
    ENDPOINT = "endpoint"
    METADATA = "metadata"
    HISTORY = "history"
    """What was signed before cannot be read, or what was signed now cannot be remembered."""


class SigningRefused(Exception):
    """Something was not signed, or a token was not taken.

    Attributes:
        reason: the kind of refusal.
        text: one line that says it, fit to be shown.
    """

    def __init__(self, reason: RefusalReason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
