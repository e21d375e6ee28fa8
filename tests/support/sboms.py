"""What software is in releases, and what devices have said that they run."""

import json
from dataclasses import dataclass
from typing import Any, Final

import httpx
from sqlalchemy import select

from support.four_parties import BOX, FourParties, good
from tinycontainer.network.platform.tables.catalogue import ApplicationRow, ReleaseRow
from tinycontainer.network.platform.tables.fleet import DeviceRow
from tinycontainer.network.platform.tables.rollouts import DeviceContainerRow
from tinycontainer_tokens import Role

TLS: Final = {"name": "tls", "version": "3.6.1", "purl": "pkg:generic/tls@3.6.1"}
COAP: Final = {"name": "coap", "version": "4.3", "purl": ""}


def document(*components: Any, **more: Any) -> bytes:
    """A document of CycloneDX with some components."""
    fields = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "components": list(components), **more,
    }  # fmt: skip
    return json.dumps(fields).encode()


@dataclass(frozen=True)
class Sboms:
    """What the organisation ``dev`` says of its releases, and who asks about it.

    Attributes:
        parties: of the releases.
    """

    parties: FourParties

    def give(self, content: bytes, number: int = 1, role: Role = Role.DEVELOPER) -> httpx.Response:
        """Keep a document, and say that it is the one of a release."""
        digest = self.parties.keep(role, "sbom", content)
        path = f"/api/releases/{BOX}/{number}/sbom"
        return self.parties.client(role).put(path, json={"sha256": digest})

    def of(self, number: int = 1, role: Role = Role.OWNER) -> Any:
        """What is in a release, as a party sees it."""
        return good(self.parties.client(role).get(f"/api/releases/{BOX}/{number}/sbom"))

    def find(self, role: Role = Role.OWNER, /, **asked: str) -> Any:
        """Components with their releases."""
        return good(self.parties.client(role).get("/api/components", params=asked))

    def devices(self, role: Role = Role.OWNER, /, **asked: str) -> Any:
        """Devices that have a component."""
        return good(self.parties.client(role).get("/api/components/devices", params=asked))

    def report(
        self, device: str, number: int, *, uid: str = BOX, state: str = "RUNNING", at_s: float = 7.0
    ) -> None:
        """Write that a device has said that it has a release."""
        with self.parties.platform.database.transaction() as session:
            release = session.scalars(
                select(ReleaseRow)
                .join(ReleaseRow.application)
                .where(ApplicationRow.uid == bytes.fromhex(uid), ReleaseRow.number == number)
            ).one()
            device_id = session.scalars(select(DeviceRow.id).where(DeviceRow.name == device)).one()
            session.merge(
                DeviceContainerRow(
                    device_id=device_id,
                    application_id=release.application_id,
                    reported_release_id=release.id,
                    reported_state=state,
                    reported_exit="",
                    reported_s=at_s,
                )
            )
