"""What containers can open on devices: the peers of their profiles, and what code opens."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tinycontainer.errors import DeviceFileError, InadmissibleCode
from tinycontainer.files.device_file import DeviceFile
from tinycontainer.files.toml_file import parse_toml
from tinycontainer.interfaces.analysis import Analyser
from tinycontainer.metadata import ContainerType

from ..actor import Actor
from ..tables.catalogue import ArtefactRow, ReleaseRow
from ..tables.fleet import DeviceRow
from .devices import is_seen
from .profiles import load_profiles

MOST_PROFILES: Final = 8
"""That are looked into: those that most devices have."""
MOST_CODE_BYTES: Final = 1 << 20
"""Longer code is not looked into whenever a page is made."""


@dataclass(frozen=True, slots=True, order=True)
class OfferedPeer:
    """A driver of devices behind an endpoint that a container can open.

    Attributes:
        peer: its type, as plans name it.
        endpoint: its number.
        driver: its name.
        directions: as the device allows them, as plans name them.
    """

    peer: str
    endpoint: int
    driver: str
    directions: tuple[str, ...]


def offered_peers(
    session: Session, actor: Actor, owner_id: int
) -> tuple[tuple[OfferedPeer, int], ...]:
    """The peers on the devices of an owner that the organisation sees, each with how many have it.

    Args:
        session: of a transaction.
        actor: who asks.
        owner_id: of the devices.
    """
    devices = func.count(DeviceRow.id)
    query = (
        select(DeviceRow.profile_id, devices)
        .where(is_seen(actor), DeviceRow.organisation_id == owner_id)
        .group_by(DeviceRow.profile_id)
        .order_by(devices.desc(), DeviceRow.profile_id)
        .limit(MOST_PROFILES)
    )
    counts = {row[0]: row[1] for row in session.execute(query)}
    found: Counter[OfferedPeer] = Counter()
    for number, profile in load_profiles(session, counts).items():
        for each in _peers_of(profile.device_file):
            found[each] += counts[number]
    return tuple(sorted(found.items()))


def opened_by(
    session: Session, row: ReleaseRow, analysers: Mapping[ContainerType, Analyser]
) -> tuple[int, ...]:
    """The endpoints that the code of a release opens, as far as that can be seen.

    Args:
        session: of a transaction.
        row: of the release.
        analysers: say what code does, by container type.
    """
    if row.code_sha256 is None or row.container_type is None:
        return ()
    analyse = analysers.get(ContainerType(row.container_type))
    artefact = session.get(ArtefactRow, (row.developer_id, row.code_sha256))
    if analyse is None or artefact is None or artefact.size_bytes > MOST_CODE_BYTES:
        return ()
    try:
        return tuple(sorted(analyse(artefact.content).opened))
    except InadmissibleCode:
        return ()


def _peers_of(device_file: str) -> set[OfferedPeer]:
    """The peers of a profile; none if it is of a time when device files were different."""
    try:
        tables = parse_toml(device_file.encode(), DeviceFile, "device file")
    except DeviceFileError:
        return set()
    return {
        OfferedPeer(each.peer, each.endpoint, each.driver, tuple(each.directions))
        for each in tables.drivers
    }
