"""A refused token, and everything that experiments on it need."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tinycontainer.device.containers.verification import TokenReport
from tinycontainer_tokens import (
    KeyEntry,
    KeyStore,
    Kind,
    Profile,
    Role,
    SequenceStore,
    Verification,
    envelope,
    verify,
)
from tinycontainer_tokens.envelope import Envelope
from tinycontainer_tokens.kinds import SIGNING_ROLE

from ...artefact.artefact import Artefact


@dataclass(frozen=True, slots=True)
class RefusedToken:
    """A refused token and everything around it.

    Attributes:
        report: of the token.
        artefact: the container that it belongs to.
        reports: of all tokens of the container.
        keys: the keys that were trusted.
        sequences: what was accepted before, if that was looked at.
    """

    report: TokenReport
    artefact: Artefact
    reports: tuple[TokenReport, ...]
    keys: KeyStore
    sequences: SequenceStore | None = None

    @property
    def kind(self) -> Kind:
        """The kind that the token should be of."""
        return self.report.expected.kind

    @property
    def role(self) -> Role:
        """Who should have signed it."""
        return SIGNING_ROLE[self.kind]

    @property
    def envelope(self) -> Envelope:
        """The token taken apart; not for one that failed at its structure."""
        return envelope.parse(self.report.token)

    @property
    def others(self) -> Iterator[TokenReport]:
        """The reports of the other places."""
        return (report for report in self.reports if report.place != self.report.place)

    def content_of(self, kind: Kind) -> bytes | None:
        """The section that a token of a kind vouches for; None if there is none at hand."""
        contents = {
            Kind.CODE: self.artefact.code,
            Kind.DATA: self.artefact.data,
            Kind.METADATA: self.artefact.metadata.signed_prefix,
        }
        return contents.get(kind)


def verify_again(report: TokenReport, entry: KeyEntry, profile: Profile) -> Verification:
    """Verify a report's token again, as if its role had this key under this profile.

    Args:
        report: of the token.
        entry: the key; its own role and profile are ignored.
        profile: to judge by.
    """
    expected = replace(report.expected, profile=profile)
    # A store of one key has none of the conflicts that keep a key out of a second role.
    alone = KeyStore([KeyEntry(SIGNING_ROLE[expected.kind], profile, entry.material)])
    return verify(report.token, expected, alone)
