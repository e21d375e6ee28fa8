"""Walks over a tree of CBOR items and checks that it covers its bytes."""

from collections.abc import Iterator
from pathlib import Path

from tinycontainer.tools.inspect.contents import Contents, read_contents
from tinycontainer.tools.inspect.diagnostic import CborItem


def read_file_of(tmp_path: Path, content: bytes) -> Contents:
    """What ``inspect`` reads of a file with this content."""
    path = tmp_path / "file"
    path.write_bytes(content)
    return read_contents(path)


def walk(node: CborItem) -> Iterator[CborItem]:
    """All nodes, in the order of their lines."""
    yield node
    for child in node.children:
        yield from walk(child)


def require_cover(node: CborItem) -> None:
    """Check that a node is its own bytes and its children, without a gap."""
    at = node.offset + node.length - sum(child.length for child in node.children)
    assert at >= node.offset
    if not node.cut:
        own = node.length if not node.children else at - node.offset
        assert len(node.hex()) == 2 * own
    for child in node.children:
        assert child.offset == at
        at += child.length
        require_cover(child)


def meanings(node: CborItem) -> dict[str, str]:
    """Diagnostic notation of the leaves (entries of maps and arrays alike), and what they mean."""
    return {each.diagnostic: each.meaning for each in walk(node) if not each.children}
