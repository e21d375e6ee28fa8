"""Asks a device for evidence when it is looked at, and keeps what comes."""

from collections.abc import Callable
from dataclasses import dataclass

from ..database import PlatformDatabase
from ..delivery.gateway_answers import GatewayFailed
from ..delivery.gateway_client import GatewayClient
from .asking import EvidenceAsker, KnownEvidence
from .keeping import keep_evidence, read_known


@dataclass(frozen=True, slots=True)
class EvidenceLooker:
    """Looks for evidence.

    Attributes:
        database: what the platform remembers.
        now_s: Unix time.
        random_bytes: draws a number of unpredictable bytes.
    """

    database: PlatformDatabase
    now_s: Callable[[], float]
    random_bytes: Callable[[int], bytes]

    def has_news(self, device_id: int, endpoint: str, client: GatewayClient) -> bool:
        """Whether a device has other events than those that are known; nothing is kept.

        Args:
            device_id: of its row.
            endpoint: its name at the gateway.
            client: of the gateway.

        Raises:
            GatewayFailed: the gateway gives nothing that can be used.
        """
        known = self._read_known(device_id)
        if known is None:
            return False
        page = client.events(endpoint, known.newest)
        return page is not None and page.newest != known.newest

    def look(self, device_id: int, endpoint: str, client: GatewayClient) -> None:
        """Ask a device, check what it says, and keep it; nothing if it does not answer now.

        Args:
            device_id: of its row.
            endpoint: its name at the gateway.
            client: of the gateway.

        Raises:
            GatewayFailed: the gateway gives nothing that can be used.
        """
        known = self._read_known(device_id)
        if known is None:
            return
        asker = EvidenceAsker(client, endpoint, self.now_s, self.random_bytes)
        found = asker.ask(known)
        if found is None:
            return
        with self.database.transaction() as session:
            keep_evidence(session, device_id, known, found, self.now_s(), self.random_bytes)
        if found.trouble is not None:
            raise GatewayFailed(f"device {endpoint}: {found.trouble}: {found.detail}")

    def _read_known(self, device_id: int) -> KnownEvidence | None:
        with self.database.reading() as session:
            return read_known(session, device_id)
