"""Errors of judging an implementation, by who is at fault."""

from tinycontainer.errors import TinyContainerError


class ProtocolError(TinyContainerError):
    """An implementation, or a judge, does not follow the protocol."""


class ReportedFailure(ProtocolError):
    """An implementation says that it has failed."""


class Silence(ProtocolError):
    """An implementation does not answer in time, or has ended."""


class Unsupported(TinyContainerError):
    """An implementation says that it cannot do what was asked. This is nobody's fault."""


class CaseError(TinyContainerError, ValueError):
    """A case cannot be played as it is written."""
