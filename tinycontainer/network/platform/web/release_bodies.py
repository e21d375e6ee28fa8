"""What is said of releases over HTTP: what parties send, and what they are shown."""

import base64
import binascii
from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from tinycontainer.files.fields import ContainerTypeName
from tinycontainer.metadata import ContainerType
from tinycontainer_tokens import Kind, Profile

from ..catalogue import releases
from ..catalogue.forms import Calls, PlanForm, TokenTerms
from ..refusing import bad_request
from ..releases.unsigned import UnsignedToken
from ..tables.catalogue import ReleaseRow
from .bodies import JsonAnswer, JsonBody, Label
from .catalogue import UidDigits

Uid = Annotated[UidDigits, Path(description="of the container, in hexadecimal digits")]
Number = Annotated[int, Path(ge=1, lt=1 << 63)]
PartName = Annotated[str, Path(max_length=32, description="code, data, mask, endpoint-N, metadata")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Fingerprint = Annotated[str, Query(pattern="^[0-9a-f]{64}$", description="of the key that signs")]
SeenClaims = Annotated[
    str,
    Query(
        pattern="^([0-9a-f]{64})?$",
        description="SHA-256 of the claims that were looked at, as the newest key signs them",
    ),
]


class ReleaseGiven(JsonBody):
    """A release that is to begin."""

    uid: UidDigits
    number: int = Field(ge=1, lt=1 << 63)
    provider: Label
    infrastructure: Label
    owner: Label
    profile: Profile = Field(default=Profile.RFC9052, strict=False)
    signs_endpoints: bool = True


class CodeGiven(JsonBody):
    """The code, by the hash of an artefact."""

    sha256: Sha256
    type: ContainerTypeName = "wasm"
    syscalls: Calls = Field(default_factory=list, description="that the code asks for")
    terms: TokenTerms = TokenTerms()


class DataGiven(JsonBody):
    """The data, by the hash of an artefact."""

    sha256: Sha256
    terms: TokenTerms = TokenTerms()


class EnvelopeGiven(JsonBody):
    """An envelope of SUIT, by the hash of an artefact."""

    sha256: Sha256


class PlanGiven(PlanForm):
    """What infrastructure decides."""

    terms: TokenTerms = TokenTerms()


class RightsGiven(JsonBody):
    """What the owner allows."""

    syscalls: Calls
    terms: TokenTerms = TokenTerms()


class TokenGiven(JsonBody):
    """A token."""

    token: str = Field(max_length=2048, description="base64")


class BytesToSign(JsonAnswer):
    """What is signed of a token, for whoever can only sign bytes; all of it is base64."""

    signed: str = Field(description="what the Ed25519 signature covers")
    head: str = Field(description="the token up to its signature, which is all that follows")

    @classmethod
    def of(cls, unsigned: UnsignedToken) -> "BytesToSign":
        """From a token before it is signed."""
        return cls(
            signed=base64.b64encode(unsigned.signed).decode(),
            head=base64.b64encode(unsigned.head).decode(),
        )


class SbomNamed(JsonAnswer):
    """Which document says what software is in a release."""

    sha256: str
    components: int


class PartShown(JsonAnswer):
    """How far a part is."""

    name: str
    role: str
    organisation: str
    state: str
    waits_for: list[str]
    signed_by: str | None
    signed_s: float | None


class ReleaseShown(JsonAnswer):
    """A release, and how far it is."""

    uid: str
    number: int
    application: str
    profile: str
    developer: str
    provider: str
    infrastructure: str
    owner: str
    code_sha256: str | None
    type: str | None
    data_sha256: str | None
    sbom: SbomNamed | None
    envelope_sha256: str | None
    plan: PlanForm | None
    asked_mask: int | None
    allowed_mask: int | None
    terms: dict[str, TokenTerms]
    parts: list[PartShown]
    created_s: float
    completed_s: float | None

    @classmethod
    def of(cls, row: ReleaseRow, names: dict[int, str]) -> "ReleaseShown":
        """From its row.

        Args:
            row: of the release.
            names: of organisations, by their ids.
        """
        return cls(
            uid=row.application.uid.hex(),
            number=row.number,
            application=row.application.name,
            profile=row.profile,
            developer=names[row.developer_id],
            provider=names[row.provider_id],
            infrastructure=names[row.infrastructure_id],
            owner=names[row.owner_id],
            code_sha256=row.code_sha256,
            type=None if row.container_type is None else _type_name(row.container_type),
            data_sha256=row.data_sha256,
            sbom=_sbom_of(row),
            envelope_sha256=row.envelope_sha256,
            plan=None if row.plan is None else PlanForm.model_validate(row.plan),
            asked_mask=row.syscalls,
            allowed_mask=row.mask,
            terms={Kind[kind].name.lower(): TokenTerms(**said) for kind, said in row.terms.items()},
            parts=_parts_of(row, names),
            created_s=row.created_s,
            completed_s=row.completed_s,
        )


class ReleaseListed(JsonAnswer):
    """A release in a list."""

    id: int
    uid: str
    number: int
    application: str
    completed_s: float | None

    @classmethod
    def of(cls, row: ReleaseRow) -> "ReleaseListed":
        """From its row."""
        return cls(
            id=row.id,
            uid=row.application.uid.hex(),
            number=row.number,
            application=row.application.name,
            completed_s=row.completed_s,
        )


class ReleasesShown(JsonAnswer):
    """Releases, the newest first."""

    releases: list[ReleaseListed]
    next: int | None
    """The value of `before` for those that follow; null if there are no more."""


class ToSign(JsonAnswer):
    """What is signed of a part. Whoever signs looks at the bytes, and at nothing else."""

    uid: str
    number: int
    """Of the release; of a withdrawal its sequence."""
    part: str
    profile: str
    payload: str = Field(description="base64 of the claims")
    covered: str | None = Field(description="base64 of what they vouch for; none for a mask")


def decode_token(text: str) -> bytes:
    """The bytes of a token.

    Raises:
        PlatformRefused: it is no base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise bad_request("token: is not base64") from None


def _type_name(number: int) -> str:
    return ContainerType(number).name.lower()


def _sbom_of(row: ReleaseRow) -> SbomNamed | None:
    if row.sbom_sha256 is None:
        return None
    return SbomNamed(sha256=row.sbom_sha256, components=row.sbom_components or 0)


def _parts_of(row: ReleaseRow, names: dict[int, str]) -> list[PartShown]:
    release = releases.look_at(row)
    tokens = {each.part: each for each in row.tokens}
    shown = []
    for part in release.parts:
        token = tokens.get(part.name)
        shown.append(
            PartShown(
                name=part.name,
                role=part.role.value,
                organisation=names[releases.party_id(row, part.role)],
                state=release.state(part).value,
                waits_for=[each.name for each in release.waits_for(part)],
                signed_by=None if token is None else token.person,
                signed_s=None if token is None else token.signed_s,
            )
        )
    return shown
