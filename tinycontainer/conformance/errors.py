"""What can go wrong in judging an implementation, by who is at fault."""

from tinycontainer.errors import TinyContainerError


class ProtocolError(TinyContainerError):
    """An implementation, or a judge, that does not keep to the protocol."""


class Silence(ProtocolError):
    """An implementation that does not answer in time, or is gone."""


class Unsupported(TinyContainerError):
    """An implementation that says it cannot do what was asked; no fault of anybody's."""


class CaseError(TinyContainerError, ValueError):
    """A case that cannot be played as it stands."""
