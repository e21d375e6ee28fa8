"""A platform with a device behind a gateway, which signs what has happened on it."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Final

from support.evident_devices import EvidentDevice
from support.four_parties import good
from support.rollouts import Rollouts
from tinycontainer.state import StoredEvent
from tinycontainer.tools.evidence import check_events, check_statement
from tinycontainer_tokens import Role
from tinycontainer_tokens.key_files import to_public_pem

NAME: Final = "box-1"
LOOK_S: Final = 300.0


@dataclass
class EvidentWorld:
    """Four parties, and a device that runs a release of theirs.

    Attributes:
        rollouts: the platform, its gateway, and its worker.
        device: what has happened on the device.
    """

    rollouts: Rollouts
    device: EvidentDevice = field(default_factory=EvidentDevice)

    def prepare(self) -> None:
        """Add the device with its key, and bring the release to it."""
        key = to_public_pem(self.device.key).decode()
        self.rollouts.add_devices([NAME], evidence_key=key)
        self.rollouts.gateway.evident[NAME] = self.device
        self.rollouts.start()
        self.rollouts.settle(5)
        self.look()

    def look(self) -> None:
        """Let the platform look at all devices again."""
        self.rollouts.platform.clock.at_s += LOOK_S
        while self.rollouts.worker.look():
            pass

    def ask(self, role: Role, path: str, **asked: object) -> Any:
        """What a party is answered."""
        query = {name: str(value) for name, value in asked.items()}
        return good(self.rollouts.parties.client(role).get(path, params=query))

    def seen(self, role: Role, **asked: object) -> list[dict[str, Any]]:
        """The events that a party sees, without what it does not see of them."""
        found = self.ask(role, "/api/evidence", **asked)["events"]
        return [{name: each[name] for name in each if each[name] is not None} for each in found]

    def handed(self, since: int = 0, role: Role = Role.OWNER) -> Any:
        """The evidence of the device, to be checked elsewhere."""
        return self.ask(role, f"/api/devices/{NAME}/evidence", since=since)

    def proved(self, since: int = 0) -> list[tuple[int, bool]]:
        """The numbers of the events of the current series, and whether they are proved."""
        return [(each["number"], each["is_proved"]) for each in self.handed(since)["events"]]

    def trouble(self) -> tuple[str, bool]:
        """What did not fit last, and whether it is over."""
        problem = self.handed()["problem"]
        if problem is None:
            return "", True
        return problem["reason"], problem["until_s"] is not None

    def check_elsewhere(self) -> tuple[StoredEvent, ...]:
        """Check what is handed out with the device's public key alone; the proved events."""
        handed = self.handed()
        nonce = bytes.fromhex(handed["nonce"])
        content = base64.b64decode(handed["statement"])
        statement = check_statement(content, self.device.key.public_half(), nonce)
        events = [
            StoredEvent(each["number"], base64.b64decode(each["content"]))
            for each in handed["events"]
        ]
        return check_events(statement, bytes.fromhex(handed["chain"]), events)

    def change_device(self, **changes: Any) -> Any:
        """Change the device as its owner."""
        owner = self.rollouts.parties.client(Role.OWNER)
        headers = {"Content-Type": "application/json"}
        return owner.patch(f"/api/devices/{NAME}", content=json.dumps(changes), headers=headers)
