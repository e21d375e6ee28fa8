"""The story, part five: the platform never had a private key."""

from pathlib import Path

from tinycontainer_tokens.key_files import parse

from .desk import DemoDesk
from .searching import HeardRequests, contents_of, find_key


def search_keys(desk: DemoDesk, heard: HeardRequests) -> None:
    """Search all that the platform has heard, and all that it keeps, for the keys.

    Args:
        desk: of the story.
        heard: all requests to the platform.

    Raises:
        OSError: a file cannot be read.
    """
    judge = desk.judge
    judge.tell("10. No private key has come to the platform")
    places = {
        "what the platform has heard": [bytes(heard.content)],
        "what it keeps": list(contents_of(desk.platform)),
    }
    private = _private_keys(desk)
    wanted = 5 + len(desk.boxes)
    judge.expect("there are five private keys of people, and one of each box", len(private), wanted)
    for name, contents in places.items():
        found = [whose for whose, path in private if find_key(_secret_of(path), contents)]
        judge.expect(f"none of them is in {name}", found, [])
        public = [
            each.role.value
            for each in desk.people.values()
            if not _is_public_in(each.public_file, contents)
        ]
        judge.expect(f"each public key is found in {name}, so the search works", public, [])


def _private_keys(desk: DemoDesk) -> list[tuple[str, Path]]:
    """All private keys of the demo, each with whose it is: a role or a box."""
    of_people = (path for each in desk.people.values() for path in each.folder.rglob("*.pem"))
    of_boxes = desk.yard.directory.rglob("*.pem")
    return [
        *((path.stem, path) for path in sorted(of_people)),
        *((path.parent.name, path) for path in sorted(of_boxes)),
    ]


def _secret_of(path: Path) -> bytes:
    return parse(path.read_bytes()).secret or b""


def _is_public_in(path: Path, contents: list[bytes]) -> bool:
    return find_key(parse(path.read_bytes()).public, contents) > 0
