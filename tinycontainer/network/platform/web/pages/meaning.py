"""What a signature will mean, in the words of `platform sign`, `explain` and `diff`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from hashlib import sha256
from itertools import zip_longest
from typing import Final

from sqlalchemy.orm import Session

from tinycontainer.interfaces.analysis import Analyser
from tinycontainer.metadata import ContainerType
from tinycontainer.tools.diff.comparison import Change
from tinycontainer_tokens import KeyMaterial, Kind, Profile
from tinycontainer_tokens import claims as claims_codec
from tinycontainer_tokens.envelope import parse

from ...actor import Actor
from ...catalogue.following import complete_before
from ...catalogue.keys import keys_of, material_of
from ...catalogue.releases import look_at
from ...releases.parts import ReleasePart
from ...releases.release import NotToBeSigned
from ...signer.description import Description, describe
from ...signer.examining import ExaminedRequest, Order, examine
from ...signer.refusal import SigningRefused
from ...signer.request import SigningRequest
from ...signer.signed import Signed
from ...signer.tokens import header_of
from ...tables.catalogue import ArtefactRow, ReleaseRow, ReleaseToken

MOST_LOOKED_AT_BYTES: Final = 1 << 20
"""Of code and data: longer ones are not looked into whenever a page is made."""
_WORDS: Final = {"equal": "same", "replace": "changed", "insert": "added", "delete": "removed"}

Analysers = Mapping[ContainerType, Analyser]


@dataclass(frozen=True, slots=True)
class MeaningLine:
    """What a signature means, in a line, beside the line of the version before in its place.

    Attributes:
        kind: ``same``, ``changed``, ``added`` or ``removed``.
        before: of the version before; empty if there is none.
        now: of this version; empty if there is none.
    """

    kind: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class PartMeaning:
    """What a signature of a part will mean.

    Attributes:
        warnings: what to look at twice.
        lines: what it will say.
        since: number of the version that it is compared with; None if there is none.
        signed_s: when that was signed.
        changes: what differs from it, in the words of `diff`.
        claims_sha256: of the claims that this says, with the newest key; empty if nothing is said.
    """

    warnings: tuple[str, ...]
    lines: tuple[MeaningLine, ...] = ()
    since: int | None = None
    signed_s: float | None = None
    changes: tuple[Change, ...] = ()
    claims_sha256: str = ""


class MeaningReader:
    """Says what signatures of a release will mean.

    Args:
        session: of a transaction.
        actor: whose signatures.
        row: of the release.
        analysers: say what code does, by container type.
        now_s: Unix time.
    """

    def __init__(
        self, session: Session, actor: Actor, row: ReleaseRow, analysers: Analysers, now_s: float
    ) -> None:
        self._session = session
        self._actor = actor
        self._row = row
        self._analysers = analysers
        self._now_s = int(now_s)
        self._last = complete_before(session, actor, row)

    def read(self, part: ReleasePart) -> PartMeaning:
        """What the signature of a part will mean; what hinders it is a warning.

        Args:
            part: that can be signed now.
        """
        keys = keys_of(self._session, self._actor.organisation_id, part.role)
        if not keys:
            who = f"{self._actor.organisation} has no key as {part.role}"
            return PartMeaning((f"{who}: an admin makes the public half known",))
        key = material_of(keys[-1])
        try:
            new = self._wanted(part, key)
            found = self._compare(new, self._before(part, key))
            return replace(found, claims_sha256=sha256(new.payload).hexdigest())
        except NotToBeSigned as error:
            return PartMeaning((str(error),))
        except SigningRefused as error:
            return PartMeaning((error.text,))

    def _compare(self, new: ExaminedRequest, last: Signed | None) -> PartMeaning:
        said = self._describe(new, last)
        now = self._lines(said, new, self._row)
        if last is None or self._last is None:
            return PartMeaning(said.warnings, tuple(MeaningLine("same", "", each) for each in now))
        old = _examined(_order(self._last, new.part), last.header, last.payload, last.covered)
        before = self._lines(self._describe(old, None), old, self._last)
        return PartMeaning(
            said.warnings,
            tuple(_side_by_side(before, now)),
            self._last.number,
            float(last.signed_s),
            said.changes,
        )

    def _describe(self, new: ExaminedRequest, last: Signed | None) -> Description:
        return describe(new, last, self._analysers, self._now_s)

    def _lines(self, said: Description, new: ExaminedRequest, row: ReleaseRow) -> tuple[str, ...]:
        """All that is said, also of code and data that are not looked into."""
        if new.covered is not None or new.part.kind is Kind.MASK:
            return said.meaning
        artefact = self._artefact(row, new.part)
        size = f"{artefact.size_bytes if artefact else 0} bytes, sha256 {_digest(row, new.part)}"
        return (*said.meaning, size, "not looked into: too long for a page; the command does it")

    def _wanted(self, part: ReleasePart, key: KeyMaterial) -> ExaminedRequest:
        release = look_at(self._row)
        payload, covered = release.payload(part, key), release.covered(part, key)
        if part.kind in (Kind.CODE, Kind.DATA):  # the release is looked at without their bytes
            claims = claims_codec.decode(payload, part.kind, release.profile)
            said = replace(claims, sha256=bytes.fromhex(_digest(self._row, part)))
            payload = claims_codec.encode(said, part.kind, release.profile)
            covered = self._content(self._row, part)
        order = _order(self._row, part)
        return _examined(order, header_of(key, release.profile), payload, covered)

    def _before(self, part: ReleasePart, key: KeyMaterial) -> Signed | None:
        """What was signed of the version before."""
        row = self._last
        found = None if row is None else _token_of(row, part)
        if row is None or found is None:
            return None
        envelope = parse(found.token)
        covered = self._covered_before(row, part, found.token, key)
        claims = claims_codec.decode(envelope.payload, part.kind, envelope.profile)
        return Signed(
            uid=row.application.uid,
            part=part,
            number=row.number,
            header=envelope.protected,
            payload=envelope.payload,
            covered=covered,
            covered_bytes=self._size(row, part) if covered is None else len(covered),
            signed_s=int(found.signed_s),
            key_sha256=bytes.fromhex(found.fingerprint),
            highest_sequence=claims.sequence,
        )

    def _covered_before(
        self, row: ReleaseRow, part: ReleasePart, token: bytes, key: KeyMaterial
    ) -> bytes | None:
        if part.kind in (Kind.CODE, Kind.DATA):
            return self._content(row, part)
        if part.kind is Kind.METADATA:
            return look_at(row).bundle().metadata[: -len(token)]
        return look_at(row).covered(part, key)

    def _content(self, row: ReleaseRow, part: ReleasePart) -> bytes | None:
        found = self._artefact(row, part)
        return None if found is None or found.size_bytes > MOST_LOOKED_AT_BYTES else found.content

    def _size(self, row: ReleaseRow, part: ReleasePart) -> int:
        found = self._artefact(row, part)
        return 0 if found is None else found.size_bytes

    def _artefact(self, row: ReleaseRow, part: ReleasePart) -> ArtefactRow | None:
        """The row of code or data; their bytes are read when they are looked at."""
        if part.kind not in (Kind.CODE, Kind.DATA):
            return None
        whose = row.developer_id if part.kind is Kind.CODE else row.provider_id
        return self._session.get(ArtefactRow, (whose, _digest(row, part)))


def _digest(row: ReleaseRow, part: ReleasePart) -> str:
    return (row.code_sha256 if part.kind is Kind.CODE else row.data_sha256) or ""


def _token_of(row: ReleaseRow, part: ReleasePart) -> ReleaseToken | None:
    return next((each for each in row.tokens if each.part == part.name), None)


def _order(row: ReleaseRow, part: ReleasePart) -> Order:
    return Order(row.application.uid, row.number, part, Profile(row.profile))


def _examined(
    order: Order, header: bytes, payload: bytes, covered: bytes | None
) -> ExaminedRequest:
    """What is to be signed, or was; what it covers is not there where it is too long."""
    if covered is None and order.part.kind is not Kind.MASK:
        claims = claims_codec.decode(payload, order.part.kind, order.profile)
        return ExaminedRequest(order, header, payload, claims, None)
    asked = SigningRequest(order.uid, order.number, order.part, order.profile, payload, covered)
    return examine(asked, order, header, None)


def _side_by_side(before: tuple[str, ...], now: tuple[str, ...]) -> Iterator[MeaningLine]:
    """The lines of two versions, each beside the one in its place."""
    matcher = SequenceMatcher(None, before, now, autojunk=False)
    for word, begin, end, new_begin, new_end in matcher.get_opcodes():
        pairs = zip_longest(before[begin:end], now[new_begin:new_end], fillvalue="")
        for old, new in pairs:
            kind = _WORDS[word]
            if word == "replace" and not (old and new):
                kind = "removed" if old else "added"
            yield MeaningLine(kind, old, new)
