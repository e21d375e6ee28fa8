"""A directory with all that updates are made of, for tests of the verbs of ``suit``."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.project import BOX, KEY_LINES, Program
from tinycontainer.cli.main import main

DEVICE = f"""
[device]
id = "box-1"
name = "SmartDroneBox"
vendor = "the maker"
[trust]
keys = [
{KEY_LINES}
]
[[drivers]]
driver = "console"
endpoint = 1
[update]
vendor = "example.com"
class = "box"
fetch = ["coap://[::1]:5684"]
keys = [ {{ file = "updates.pub" }} ]
"""


def furnish(root: Path) -> None:
    """Make everything: ``mapper.tcb``, ``courier.tcb``, ``updates.pem``, ``device.toml``."""
    _run("keygen", root / "keys")
    _run("keygen", "--update", "P-256", root / "updates.pem")
    for name in ("mapper", "courier"):
        shutil.copytree(BOX / name, root / name)
        _run("pack", root / name, "--keys", root / "keys", "-o", root / f"{name}.tcb")
    (root / "device.toml").write_text(DEVICE)


def _run(*words: object) -> None:
    assert main([str(word) for word in words]) == 0


@dataclass(frozen=True)
class UpdateDesk:
    """Keys, two packed containers and a device file in a directory, and the program.

    Attributes:
        root: the directory.
        program: ``tinycontainerctl``.
    """

    root: Path
    program: Program

    def __truediv__(self, name: str) -> Path:
        return self.root / name

    def create(self, *sources: str, out: str = "update.suit", options: tuple[str, ...] = ()) -> Any:
        """Make an envelope with the number 1; the answer in JSON."""
        numbered = () if "--sequence" in options else ("--sequence", "1")
        named = () if "--vendor" in options else ("--device", self / "device.toml")
        words = (*(self / each for each in sources), "-o", self / out, *numbered, *named)
        return self.program.json("suit", "create", *words, *options)

    def sign(self, name: str = "update.suit", key: str = "updates.pem", *options: str) -> bytes:
        """Sign an envelope in place; its bytes."""
        words = ("suit", "sign", self / name, "--key", self / key, "--force", *options)
        self.program.good(*words)
        return (self / name).read_bytes()

    def signed(self, *sources: str, options: tuple[str, ...] = ()) -> bytes:
        """A signed envelope that brings containers, in ``update.suit``."""
        self.create(*sources, options=("--force", *options))
        return self.sign()

    def verify(
        self,
        name: str = "update.suit",
        *options: object,
        code: int = 0,
        device: str = "device.toml",
    ) -> Any:
        """What ``suit verify`` says in JSON."""
        words = ("suit", "verify", self / name, "--device", self / device, *options)
        return self.program.json(*words, code=code)

    def refused(self, content: bytes, *options: object, device: str = "device.toml") -> Any:
        """The last step of a refused envelope, with the reason of the refusal."""
        (self / "refused.suit").write_bytes(content)
        answer = self.verify("refused.suit", *options, code=1, device=device)
        return answer["steps"][-1] | {"reason": answer["reason"]}

    def change_device(self, old: str, new: str, name: str = "other.toml") -> str:
        """Write another device file; its name."""
        text = (self / "device.toml").read_text()
        assert old in text
        (self / name).write_text(text.replace(old, new))
        return name
