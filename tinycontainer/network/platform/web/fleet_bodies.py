"""What is said of devices and profiles over HTTP."""

from typing import Annotated, Final

from fastapi import Path, Query
from pydantic import AfterValidator, Field, StringConstraints

from tinycontainer.files.toml_file import MAX_TOML_BYTES
from tinycontainer.tools.packing.manifest import check_audience
from tinycontainer.tools.rollouts.query_text import MAX_QUERY_CHARACTERS
from tinycontainer_tokens.key_files import MAX_KEY_FILE_BYTES

from ..fleet.evidence_keys import fingerprint_of_evidence_key
from ..fleet.profile_content import MOST_KEY_FILES
from ..fleet.summary import FleetSummary
from ..tables.fleet import DeviceProfile, DeviceRow
from .bodies import JsonAnswer, JsonBody, Label

NAME_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
LAST_S: Final = 253_402_300_799
"""The end of the year 9999."""
MOST_LABELS: Final = 16
_TAKEN: Final = "summary"


def _refuse_resource(name: str) -> str:
    if name == _TAKEN:
        raise ValueError(f"{_TAKEN} is the name of a resource; choose another one")
    return name


DeviceName = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
NewName = Annotated[DeviceName, AfterValidator(_refuse_resource)]
NamePath = Annotated[str, Path(pattern=NAME_PATTERN)]
QueryText = Annotated[str, Query(max_length=MAX_QUERY_CHARACTERS, description="which devices")]
AfterName = Annotated[str, Query(pattern="^[A-Za-z0-9._-]{0,63}$")]
GroupName = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9 ._-]{0,63}$")]
LabelKey = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9._-]{1,63}$")]
LabelValue = Annotated[str, StringConstraints(pattern="^[ -~]{0,63}$")]
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=MOST_LABELS)]
ProfileId = Annotated[int, Field(ge=1, lt=1 << 31)]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=255)]
PublicPem = Annotated[str, StringConstraints(max_length=MAX_KEY_FILE_BYTES)]
EvidencePem = Annotated[
    str,
    StringConstraints(max_length=MAX_KEY_FILE_BYTES),
    Field(description="PEM of the public key that the device signs evidence with; empty for none"),
]


class DeviceGiven(JsonBody):
    """A device that is to be known."""

    name: NewName
    infrastructure: Label
    kind: Label
    group: GroupName = ""
    labels: Labels = Field(default_factory=dict)
    profile: ProfileId
    device_id: Annotated[str, AfterValidator(check_audience)] | None = Field(
        None, description="what the audience of a token names; by default what the profile says"
    )
    evidence_key: EvidencePem | None = None


class DeviceChange(JsonBody):
    """A device that is to be changed; what is left out stays."""

    kind: Label | None = None
    group: GroupName | None = None
    labels: Labels | None = None
    profile: ProfileId | None = None
    evidence_key: EvidencePem | None = None


class ProfileGiven(JsonBody):
    """The public half of a device file."""

    name: Label
    device_file: str = Field(max_length=MAX_TOML_BYTES, description="TOML")
    key_files: dict[FileName, PublicPem] = Field(
        default_factory=dict,
        max_length=MOST_KEY_FILES,
        description="PEM of public keys, by the names that trust.keys of the device file has",
    )


class DeviceShown(JsonAnswer):
    """A device."""

    name: str
    kind: str
    group: str
    labels: dict[str, str]
    profile: int
    device_id: str | None
    evidence_key: str | None
    """SHA-256 of the public key by which its evidence is checked."""
    owner: str
    infrastructure: str
    gateway: str | None
    """Through which it is reached; null if it is not."""
    endpoint: str | None
    """Its name there."""
    takes_updates: bool
    contact_s: float | None
    """When it last answered."""
    created_s: float

    @classmethod
    def of(cls, row: DeviceRow, names: dict[int, str]) -> "DeviceShown":
        """From its row, and the names of organisations by their ids."""
        key = row.evidence_key
        return cls(
            name=row.name,
            kind=row.kind,
            group=row.group,
            labels=row.labels,
            profile=row.profile_id,
            device_id=row.device_id,
            evidence_key=None if key is None else fingerprint_of_evidence_key(key),
            owner=names[row.organisation_id],
            infrastructure=names[row.infrastructure_id],
            gateway=row.gateway,
            endpoint=row.endpoint,
            takes_updates=row.takes_updates,
            contact_s=row.contact_s,
            created_s=row.created_s,
        )


class DevicesShown(JsonAnswer):
    """Devices, by their names."""

    devices: list[DeviceShown]
    next: str
    """The value of `after` for those that follow; empty if there are no more."""


class ProfileCount(JsonAnswer):
    """How many devices have a profile."""

    id: int
    name: str
    devices: int


class SummaryShown(JsonAnswer):
    """How many devices there are; of each sort the most frequent ones first, 200 at the most."""

    devices: int
    connected: int
    """Those that a gateway reaches."""
    silent_hour: int
    """Those that have not answered for an hour, or never."""
    silent_day: int
    """The same, for a day."""
    kinds: dict[str, int]
    groups: dict[str, int]
    profiles: list[ProfileCount]

    @classmethod
    def of(cls, found: FleetSummary) -> "SummaryShown":
        """From what was counted."""
        return cls(
            devices=found.devices,
            connected=found.connected,
            silent_hour=found.silent_hour,
            silent_day=found.silent_day,
            kinds=dict(found.kinds),
            groups=dict(found.groups),
            profiles=[
                ProfileCount(id=number, name=name, devices=count)
                for number, name, count in found.profiles
            ],
        )


class ProfileListed(JsonAnswer):
    """A profile in a list."""

    id: int
    name: str
    sha256: str
    created_s: float

    @classmethod
    def of(cls, row: DeviceProfile) -> "ProfileListed":
        """From its row."""
        return cls(id=row.id, name=row.name, sha256=row.sha256, created_s=row.created_s)


class ProfilesShown(JsonAnswer):
    """Profiles, by their ids."""

    profiles: list[ProfileListed]
    next: int | None
    """The value of `after` for those that follow; null if there are no more."""


class ProfileShown(ProfileListed):
    """A profile with what it says."""

    device_file: str
    key_files: dict[str, str]

    @classmethod
    def of(cls, row: DeviceProfile) -> "ProfileShown":
        """From its row."""
        return cls(
            id=row.id,
            name=row.name,
            sha256=row.sha256,
            device_file=row.device_file,
            key_files=row.key_files,
            created_s=row.created_s,
        )
