"""All that the story of the demo works with: who asks whom, and who signs what."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from time import monotonic
from typing import Any

from tinycontainer_tokens import Role

from ..platform_file import PlatformPlan
from ..releases.parts import ReleasePart
from .api import DemoClient
from .judging import StoryBroken, StoryJudge
from .people import DemoPerson, RunProgram
from .yard_files import YardFiles


@dataclass(frozen=True, slots=True)
class DemoDesk:
    """What the story works with.

    Attributes:
        people: of the demo, by role.
        boxes: the labels of each box, by its name.
        yard: the files of the gateway and the boxes.
        platform: the platform's file.
        clients: of the platform, with the token of each of the people.
        gateway: asked with the platform's own token.
        program: runs ``tinycontainerctl``.
        judge: of what is expected.
    """

    people: dict[Role, DemoPerson]
    boxes: Mapping[str, Mapping[str, str]]
    yard: YardFiles
    platform: PlatformPlan
    clients: Mapping[Role, DemoClient]
    gateway: DemoClient
    program: RunProgram
    judge: StoryJudge

    def client(self, role: Role) -> DemoClient:
        """The platform as one of the people asks it."""
        return self.clients[role]

    def boxes_with(self, key: str, value: str) -> list[str]:
        """Names of the boxes with a label."""
        return [name for name, labels in self.boxes.items() if labels[key] == value]

    def sign(self, uid: str, number: int, *parts: str) -> float:
        """Let parts of a release be signed on the machines of their parties, at the same time.

        Args:
            uid: of the container, as text.
            number: of the release.
            parts: names of them.

        Returns:
            How many seconds all of it has taken.

        Raises:
            StoryBroken: one was not signed.
        """
        begun_s = monotonic()
        with ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(lambda part: self._sign(uid, number, part), parts))
        return monotonic() - begun_s

    def as_signer(self, role: Role) -> tuple[str, ...]:
        """What a verb of a signer says of who signs."""
        person = self.people[role]
        files_of = {
            "--token": person.token_file, "--key": person.key_file, "--history": person.history,
        }  # fmt: skip
        return (*(str(word) for pair in files_of.items() for word in pair), "--yes")

    def run(self, *words: str) -> str:
        """Run ``tinycontainerctl``: what it says.

        Raises:
            StoryBroken: it has not ended well.
        """
        code, said = self.program(words)
        if code:
            raise StoryBroken(f"{' '.join(words[:2])} ends with {code}: {said}")
        return said

    def containers(self, box: str) -> dict[str, Any]:
        """What a box has, by uids, as it says itself through the gateway."""
        return {each["uid"]: each for each in self.gateway.get(f"/devices/{box}/tc/c")}

    def states(self, uid: str, boxes: Sequence[str]) -> dict[str, str]:
        """State and last exit of a container on boxes that have it, as they say themselves."""
        return dict(self._states(uid, boxes))

    def release(self, uid: str, number: int) -> str:
        """Where a release is at the platform."""
        return f"/api/releases/{uid.encode().hex()}/{number}"

    def _states(self, uid: str, boxes: Sequence[str]) -> Iterator[tuple[str, str]]:
        for box in boxes:
            found = self.containers(box).get(uid)
            if found is not None:
                yield box, f"{found['state']} {found['last_exit']}".rstrip()

    def _sign(self, uid: str, number: int, part: str) -> None:
        role = ReleasePart.parse(part).role
        self.run(
            "platform", "sign", self.platform.web_uri, uid, str(number), part, *self.as_signer(role)
        )


def example(name: str) -> bytes:
    """A file of the example SmartDroneBox, such as ``courier/courier.wasm``."""
    return (files("tinycontainer_examples") / "smartdronebox" / name).read_bytes()
