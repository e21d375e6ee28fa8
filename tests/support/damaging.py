"""Damages files: at random, and tokens in ways that leave all around them whole."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from tinycontainer.errors import MetadataError
from tinycontainer.metadata import Bundle, Metadata, Security, decode, encode
from tinycontainer_tokens import KeyMaterial, Profile, cbor
from tinycontainer_tokens.envelope import parse_if_possible
from tinycontainer_tokens.issue import prove

UNPROTECTED: Sequence[cbor.Value] = ({}, {}, {}, {}, {4: b"kid"}, {1: -8})


def forged_token(random: Random) -> bytes:
    """Bytes with the outer form of a token and parts that nobody would sign."""
    number, size = random.choice([(17, 32), (18, 64)])
    message: list[cbor.Value] = [
        random.choice([_header(random), b"", b"\xa0", b"\x80", b"\xa1\x01"]),
        random.choice(UNPROTECTED),
        random.choice([b"\xa0", cbor.encode({-65537: bytes(32)}), random.randbytes(9), b""]),
        bytes(size),
    ]
    tags = random.choice([*[(61, number)] * 6, (number,), ()])
    return cbor.with_tags(tags, cbor.encode(message))


def _header(random: Random) -> bytes:
    labels = (1, 2, 3, 4, 5, 6, 9, 33, -1, 256, -70000)
    numbers: Sequence[cbor.Value] = (-8, 5, -7, -19, -999, 0, 1 << 40)
    others: Sequence[cbor.Value] = (b"", b"kid", "text", [1], [], {1: 2}, [4, "x"])
    chosen = random.sample(labels, random.randrange(4))
    header: dict[int, cbor.Value] = {label: random.choice([*numbers, *others]) for label in chosen}
    encoded = cbor.encode(header)
    return random.choice([encoded, encoded, encoded[:-1], encoded + b"\xf6"])


def forge(content: bytes, keys: Sequence[KeyMaterial], random: Random) -> bytes:
    """A bundle or metadata in which some tokens are forged, or signed by somebody else.

    Args:
        content: the file; one that is neither becomes a forged token.
        keys: who may sign.
        random: decides which tokens.
    """
    try:
        if content[:1] == b"\x83":
            bundle = Bundle.decode(content, len(content))
            return replace(
                bundle, metadata=_with_forged(decode(bundle.metadata), keys, random)
            ).encode()
        return _with_forged(decode(content), keys, random)
    except MetadataError:
        return forged_token(random)


def _with_forged(metadata: Metadata, keys: Sequence[KeyMaterial], random: Random) -> bytes:
    def spoiled(token: bytes | None) -> bytes:
        parsed = parse_if_possible(token or b"")
        if parsed is not None and random.random() < 0.5:
            token = prove(parsed.payload, random.choice(keys), Profile.RFC9052).encode()
        return forged_token(random) if random.random() < 0.4 else token or b""

    security = metadata.security or Security()
    container = metadata.container
    return encode(
        replace(container, syscall_mask_token=spoiled(container.syscall_mask_token)),
        tuple(replace(each, token=spoiled(each.token)) for each in metadata.endpoints or ()),
        replace(
            security,
            code_token=spoiled(security.code_token),
            data_token=spoiled(security.data_token),
            metadata_token=spoiled(security.metadata_token),
        ),
    )


def damage(
    content: bytes, others: Sequence[bytes], keys: Sequence[KeyMaterial], random: Random
) -> bytes:
    """A file after one accident or attack.

    Args:
        content: the file.
        others: what can be taken for it, whole or in part.
        keys: who may sign a token that is forged.
        random: decides what happens to it.
    """
    at = random.randrange(len(content) + 1)
    size = random.choice([1, 1, 2, 8, 64])
    match random.randrange(16):
        case 0 | 1 if content:
            spoiled = bytearray(content)
            for _ in range(random.choice([1, 1, 3])):
                spoiled[random.randrange(len(spoiled))] ^= 1 << random.randrange(8)
            return bytes(spoiled)
        case 2:
            return content[:at] + content[at + size :]
        case 3:
            return content[:at] + random.randbytes(size) + content[at:]
        case 4:
            return content[:at]
        case 5:
            return content[:at] + content[max(0, at - size) :]
        case 6:
            return random.choice(others)
        case 7:
            other = random.choice(others)
            start = random.randrange(len(other) + 1)
            return content[:at] + other[start : start + 64] + content[at + 64 :]
        case 8:
            return random.choice([content.hex().encode(), cbor.encode(content), content + b"\r\n"])
        case _:
            return forge(content, keys, random)
