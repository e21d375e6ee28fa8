"""Attacks of a hostile platform with bundles that it puts together, and with changed bytes."""

from dataclasses import replace
from typing import Any, Final

from support.attacked_device import UIDS
from support.hostile_platform import DeviceAttack, HostilePlatform
from support.signed_rights import AskedChange
from support.stolen_platform import StolenRelease
from tinycontainer.metadata import Bundle, Direction, Endpoint
from tinycontainer.network.agent.requests.message import Method
from tinycontainer_tokens import cbor
from tinycontainer_tokens.envelope import parse

_MASK, _SEQUENCE = -65536, -65540
_ORDER: Final = (1 << 252) + 27742317777372353535851937790883648493
"""Of the group of Ed25519: added to the second half of a signature, it verifies carelessly."""


def exchange_code(platform: HostilePlatform) -> None:
    """The code of another release."""
    one, other = platform.pair()
    platform.load(one.uid, replace(one, code=other.code).bundle().encode())


def exchange_data(platform: HostilePlatform) -> None:
    """The data of another release."""
    one, other = platform.pair()
    platform.load(one.uid, replace(one, data=other.data).bundle().encode())


def exchange_metadata(platform: HostilePlatform) -> None:
    """The metadata of another release, under either name."""
    one, other = platform.pair()
    bundle = Bundle(other.metadata(), one.data, one.code).encode()
    platform.load(platform.draws.choice((one.uid, other.uid)), bundle)


def exchange_endpoints(platform: HostilePlatform) -> None:
    """The endpoints of another release, with their tokens."""
    one, other = platform.pair()
    platform.load(one.uid, one.bundle(other.endpoints).encode())


def exchange_mask(platform: HostilePlatform) -> None:
    """The mask token of another release: more calls, or a longer time."""
    one, other = platform.pair()
    platform.load(one.uid, one.with_tokens(mask=other.tokens["mask"]).bundle().encode())


def exchange_contents(platform: HostilePlatform) -> None:
    """Code or data of another release together with their token."""
    one, other = platform.pair()
    if platform.draws.random() < 0.5:
        mixed = replace(one.with_tokens(code=other.tokens["code"]), code=other.code)
    else:
        mixed = replace(one.with_tokens(data=other.tokens["data"]), data=other.data)
    platform.load(one.uid, mixed.bundle().encode())


def exchange_seal(platform: HostilePlatform) -> None:
    """The metadata token of another release."""
    one, other = platform.pair()
    platform.load(one.uid, one.with_tokens(metadata=other.tokens["metadata"]).bundle().encode())


def exchange_plan(platform: HostilePlatform) -> None:
    """The plan of another release with all tokens of this one."""
    one, other = platform.pair()
    platform.load(one.uid, replace(one, plan=other.plan).bundle().encode())


def misplace_tokens(platform: HostilePlatform) -> None:
    """A token in the place of one of another kind."""
    one, other = platform.pair()
    names = ("code", "data", "mask", "metadata")
    given = platform.draws.choice([*other.tokens.values(), *platform.loot.tokens])
    mixed = one.with_tokens(**{platform.draws.choice(names): given})
    platform.load(one.uid, replace(mixed, data=one.code).bundle().encode())


def rename(platform: HostilePlatform) -> None:
    """All of a release under the name of another container."""
    one, uid = platform.one(), platform.draws.choice(UIDS)
    platform.load(uid, replace(one, uid=uid).bundle().encode())


def renumber_endpoints(platform: HostilePlatform) -> None:
    """The tokens of endpoints at other endpoints."""
    one, other = platform.pair()
    tokens = [each.token for each in (*one.endpoints, *other.endpoints)] or [b""]
    mixed = tuple(replace(each, token=platform.draws.choice(tokens)) for each in one.endpoints)
    shifted = tuple(replace(each, endpoint_id=each.endpoint_id + 1) for each in mixed)
    platform.load(one.uid, one.bundle(platform.draws.choice((mixed, shifted))).encode())


def widen_endpoints(platform: HostilePlatform) -> None:
    """More endpoints, or other directions and peers, than the owner has signed."""
    one, draws = platform.one(), platform.draws
    more = (
        Endpoint(9, one.plan.plan(b"a").endpoints[0].peer_type, 8, Direction.BOTH)
        if (one.endpoints)
        else None
    )
    wider = tuple(
        replace(each, direction=Direction.BOTH, peer_endpoint_id=draws.choice((7, 8)))
        for each in one.endpoints
    )
    added = (*one.endpoints, *(() if more is None else (more,)))
    platform.load(one.uid, one.bundle(draws.choice((wider, added))).encode())


def widen_mask(platform: HostilePlatform) -> None:
    """More calls, or a higher number, in a mask token with the signature of before."""
    one = platform.one()
    parsed = parse(one.tokens["mask"])
    claims = cbor.decode(parsed.payload, 1024)
    assert isinstance(claims, dict)
    wider: dict[Any, Any] = {**claims, _MASK: b"\x1f"}
    longer: dict[Any, Any] = {**claims, _SEQUENCE: (1 << 64) - 1}
    token = replace(parsed, payload=cbor.encode(platform.draws.choice((wider, longer)))).encode()
    platform.load(one.uid, one.with_tokens(mask=token).bundle().encode())
    platform.withdraw(one.uid, token)


def strip_mask(platform: HostilePlatform) -> None:
    """No mask token: a device that forgives would use a mask of its own."""
    one = platform.one()
    platform.load(one.uid, one.with_tokens(mask=b"").bundle().encode())


def strip_endpoints(platform: HostilePlatform) -> None:
    """Endpoints without tokens, or with empty ones."""
    one = platform.one()
    token = platform.draws.choice((None, b""))
    bare = tuple(replace(each, token=token) for each in one.endpoints)
    platform.load(one.uid, one.bundle(bare).encode())


def strip_all(platform: HostilePlatform) -> None:
    """No tokens of the three others, or no token at all."""
    one = platform.one()
    if platform.draws.random() < 0.5:
        one = one.with_tokens(mask=b"", code=b"", data=b"", metadata=b"")
    metadata = one.metadata(has_security=platform.draws.random() < 0.5)
    platform.load(one.uid, Bundle(metadata, one.data, one.code).encode())


def downgrade(platform: HostilePlatform) -> None:
    """Tokens in the other profile's form, which covers less: without header, without tags."""
    one = platform.one()
    platform.load(one.uid, _reshaped(one, platform).bundle(()).encode())
    platform.withdraw(one.uid, _bare(one.tokens["mask"]))


def relabel(platform: HostilePlatform) -> None:
    """Headers of tokens that name another algorithm or a key."""
    one, draws = platform.one(), platform.draws
    headers: tuple[dict[Any, Any], ...] = ({1: -19}, {1: 5}, {1: -8, 4: b"key"}, {2: [1]}, {})
    header = draws.choice(headers)
    place = draws.choice(("code", "data", "mask", "metadata"))
    parsed = parse(one.tokens[place])
    token = replace(parsed, protected=cbor.encode(header)).encode()
    platform.load(one.uid, one.with_tokens(**{place: token}).bundle().encode())


def bend_signatures(platform: HostilePlatform) -> None:
    """Signatures of the same meaning in other bytes."""
    one = platform.one()
    place = platform.draws.choice(("code", "data", "mask", "metadata"))
    token = _bent(one.tokens[place])
    platform.load(one.uid, one.with_tokens(**{place: token}).bundle().encode())
    platform.withdraw(*_bent_withdrawal(platform))


def misuse_first_interface(platform: HostilePlatform) -> None:
    """Sections of different releases by the interface of the firmware."""
    one, other = platform.pair()
    mixed = (
        Bundle(one.metadata(), other.data, one.code),
        Bundle(one.metadata(), one.data, other.code),
        Bundle(other.metadata(), one.data, one.code),
        one.bundle(),
    )
    sections = platform.draws.choice(mixed)
    platform.put_sections(sections, (other if sections is mixed[2] else one).uid)


def mix_blocks(platform: HostilePlatform) -> None:
    """The blocks of two bundles in one upload."""
    one, other = platform.pair()
    platform.put_in_blocks(one.uid, one.bundle().encode(), other.bundle().encode())


def reconfigure_to_any(platform: HostilePlatform) -> None:
    """New metadata for the loaded code: of other releases, mixed ones, stripped ones."""
    one, other = platform.pair()
    metadata = (
        other.metadata(),
        one.metadata(other.endpoints),
        one.with_tokens(mask=other.tokens["mask"]).metadata(),
        one.with_tokens(mask=b"").metadata(),
        platform.flip(one.metadata()),
    )
    platform.reconfigure(one.uid, platform.draws.choice(metadata))


def flip_bits(platform: HostilePlatform) -> None:
    """Changed bits anywhere in a bundle."""
    one = platform.one()
    platform.load(one.uid, platform.flip(one.bundle().encode()))


def flip_section(platform: HostilePlatform) -> None:
    """Changed bits in one section, its tokens or its head."""
    one, draws = platform.one(), platform.draws
    whole = one.bundle()
    name = draws.choice(("metadata", "data", "code"))
    platform.load(one.uid, replace(whole, **{name: platform.flip(getattr(whole, name))}).encode())
    place = draws.choice(tuple(one.tokens))
    given = {**one.tokens, place: platform.flip(one.tokens[place])}
    platform.load(one.uid, replace(one, tokens=given).bundle().encode())


def cut_and_join(platform: HostilePlatform) -> None:
    """The beginning of one bundle and the end of another."""
    one, other = (each.bundle().encode() for each in platform.pair())
    at, further = (platform.draws.randrange(len(each)) for each in (one, other))
    uid = platform.draws.choice(UIDS)
    platform.load(uid, platform.draws.choice((one[:at] + other[further:], one[:at], one + other)))


def judge_all(platform: HostilePlatform) -> None:
    """A question whether bundles would be taken, which changes nothing."""
    for _ in range(5):
        bundle = platform.one().bundle().encode()
        path = platform.draws.choice(("/tc/j", "/tc/j?replaces"))
        platform.ask(AskedChange("nothing"), Method.POST, path, bundle)


def _bare(token: bytes) -> bytes:
    return replace(parse(token), tagged=False, protected=b"").encode()


def _bent(token: bytes) -> bytes:
    parsed = parse(token)
    scalar = int.from_bytes(parsed.proof[32:], "little") + _ORDER
    return replace(parsed, proof=parsed.proof[:32] + scalar.to_bytes(32, "little")).encode()


def _bent_withdrawal(platform: HostilePlatform) -> tuple[bytes, bytes]:
    uid, token = platform.draws.choice(platform.loot.withdrawals)
    return uid, _bent(token)


def _reshaped(one: StolenRelease, platform: HostilePlatform) -> StolenRelease:
    """All tokens, or some of them, as the other profile has them."""
    shaped = {
        name: token if platform.draws.random() < 0.3 else _bare(token)
        for name, token in one.tokens.items()
    }
    return replace(one, tokens=shaped)


MIXING: Final[tuple[DeviceAttack, ...]] = (
    exchange_code, exchange_data, exchange_metadata, exchange_endpoints, exchange_mask,
    exchange_contents, exchange_seal, exchange_plan, misplace_tokens, rename, renumber_endpoints,
    widen_endpoints, widen_mask, strip_mask, strip_endpoints, strip_all, downgrade, relabel,
    bend_signatures, misuse_first_interface, mix_blocks, reconfigure_to_any, flip_bits,
    flip_section, cut_and_join, judge_all,
)  # fmt: skip
"""What is put together, stripped or changed."""
