"""What a signer is shown of a release, and what is remembered of one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from support.signing_platforms import (
    NOW_S,
    header_for,
    key_of,
    order_of,
    request_of,
    sign_part,
)
from tinycontainer.interfaces.analysis import Analyser
from tinycontainer.metadata import ContainerType
from tinycontainer.network.platform.releases.parts import METADATA, ReleasePart
from tinycontainer.network.platform.releases.release import Release
from tinycontainer.network.platform.signer.description import Description, describe
from tinycontainer.network.platform.signer.examining import ExaminedRequest, examine
from tinycontainer.network.platform.signer.signed import Signed
from tinycontainer.network.platform.signer.tokens import key_sha256

NO_ANALYSERS: Mapping[ContainerType, Analyser] = {}


def examined(release: Release, part: ReleasePart) -> ExaminedRequest:
    """An honest answer that passed all checks."""
    header = header_for(part, release.profile)
    return examine(request_of(release, part), order_of(release, part), header, None)


def signed_before(release: Release, part: ReleasePart) -> Signed:
    """What is remembered of a part that was signed a day ago."""
    return examined(release, part).as_signed(None, NOW_S - 86_400, key_sha256(key_of(part)))


def shown(
    release: Release,
    part: ReleasePart,
    last: Signed | None = None,
    analysers: Mapping[ContainerType, Analyser] = NO_ANALYSERS,
) -> Description:
    """What is shown of a part; it cannot drive a terminal."""
    found = describe(examined(release, part), last, analysers, NOW_S)
    assert all(line.isascii() and line.isprintable() for line in found.lines)
    return found


def planned(release: Release, **changes: Any) -> Release:
    """A release with another plan."""
    assert release.plan is not None
    return replace(release, plan=replace(release.plan, **changes))


def completed(release: Release) -> Release:
    """The release with all signatures that the metadata wait for."""
    for part in release.waits_for(METADATA):
        release = sign_part(release, part)
    return release
