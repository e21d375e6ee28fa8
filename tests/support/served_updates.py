"""A served device that takes updates, and updates for it."""

from dataclasses import replace
from pathlib import Path

from support.project import Program
from support.serving import make_desk
from support.updates import KEY, draft, sign
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.metadata import Bundle
from tinycontainer.suit.drafts import NewVersion, make_envelope
from tinycontainer.suit.keys.key_files import to_public_pem
from tinycontainer.suit.rules import derive_identity

IDENTITY = derive_identity("example.com", "box")


def desk(directory: Path, program: Program, origin: str) -> int:
    """A device with two bundles, of which none is loaded yet, that takes updates; its port."""
    port = make_desk(directory, program, ("box", "pal"))
    (directory / "operator.pub").write_bytes(to_public_pem(KEY))
    file = directory / "device.toml"
    table = (
        f'[update]\nvendor = "example.com"\nclass = "box"\nfetch = ["{origin}"]\n'
        '[[update.keys]]\nfile = "operator.pub"\n'
    )
    file.write_text(f"{file.read_text()}\n{table}")
    return port


def write_update(directory: Path, uri: str = "", number: int = 1) -> Path:
    """An update that brings the box; with a URI its code is there."""
    bundle = Bundle.decode((directory / "box.tcb").read_bytes(), 1 << 20)
    version = NewVersion.of(bundle, starts=True)
    if uri:
        version = replace(version, uris={UpdateSection.CODE: uri})
    path = directory / f"{number}.suit"
    path.write_bytes(sign(make_envelope(draft(version, number=number, identity=IDENTITY))))
    return path
