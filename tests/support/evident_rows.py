"""Events of a device in the database of a platform, as after the platform has looked."""

from sqlalchemy import select

from support.evident_devices import EvidentDevice
from support.platforms import Platform
from tinycontainer.network.platform.evidence.asking import FoundEvidence
from tinycontainer.network.platform.evidence.keeping import keep_evidence, read_known
from tinycontainer.network.platform.tables.fleet import DeviceRow


def remember(platform: Platform, name: str, word: str) -> None:
    """Let a device have crashed, and have refused something, with a word that its owner may see.

    Args:
        platform: that knows the device.
        name: of the device.
        word: in what the device says of it.
    """
    device = EvidentDevice()
    device.moves("fault", "running", "stopping", f"trap in loop {word}")
    device.happens("load-refused", verb="load", reason="token", problem=word)
    found = FoundEvidence(tuple(device.events), device.chain)
    with platform.database.transaction() as session:
        query = select(DeviceRow.id).where(DeviceRow.name == name)
        number = session.scalars(query).one()
        known = read_known(session, number)
        assert known is not None
        keep_evidence(session, number, known, found, 0.0, platform.parts.random_bytes)
