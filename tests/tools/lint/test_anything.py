"""Whatever metadata holds, the audit ends, in bounded time, with findings that are inert."""

from hypothesis import given
from hypothesis import strategies as st
from support.audits import DESK, NOW_S, calls, findings, judged
from support.hostile import inert
from support.random_metadata import endpoints
from support.wasm import modules as wasm
from support.worlds import trusted

from tinycontainer.device.containers.limits import BOARDS, Cap, Caps, Policy, Scheduling
from tinycontainer.device.containers.verification import Trust
from tinycontainer.metadata import (
    ContainerMap,
    ContainerType,
    Metadata,
    Security,
    decode,
    encode,
)
from tinycontainer.tools.lint import AuditSubject, Host
from tinycontainer_tokens import Profile

UIDS = (b"a", b"b", b"\x1b[2J", b"[x](y:z)", "\u202e".encode())
uids = st.sampled_from(UIDS)
numbers = st.sampled_from([0, 1, 2, 5, 127, 128, 1000, (1 << 31), (1 << 32) - 1])
maybe = st.one_of(st.none(), numbers)
tokens = st.one_of(st.just(b""), st.binary(max_size=20))
HOSTS = (
    DESK,
    Host("board riot-2024", capacity=BOARDS["riot-2024"]),
    Host(
        "device.toml",
        caps=Caps(Cap(3, 1, 1, 1, 0.5)),
        scheduling=Scheduling(Policy.ROUND_ROBIN, slice_ns=1, call_instructions=1 << 40),
        trust=Trust(keys=trusted(), require_endpoint_tokens=True),
        types=frozenset(),
    ),
)
CODES = (
    None,
    b"",
    b"\0asm",
    calls(),
    calls("heartbeat", "read", "write", "close", opens=range(100)),
    wasm.loop("i32.const 1 i32.const 2 i32.add call $open", uses=("open",)),
)


@st.composite
def any_metadata(draw: st.DrawFn) -> Metadata:
    container = ContainerMap(
        uid=draw(uids),
        type=draw(st.sampled_from(ContainerType)),
        syscall_mask_token=draw(tokens),
        exec_time_ms=draw(maybe),
        period_ms=draw(maybe),
        period_max_ms=draw(maybe),
        lifetime_loops=draw(maybe),
        priority=draw(st.one_of(st.none(), st.integers(0, 15))),
    )
    ends = draw(
        st.lists(
            endpoints(numbers, uids, tokens), max_size=4, unique_by=lambda each: each.endpoint_id
        )
    )
    security = Security(
        start_max_duration_ms=draw(numbers),
        loop_period_ms=draw(numbers),
        loop_max_duration_ms=draw(numbers),
        loop_max_lifetime=draw(numbers),
        stop_max_duration_ms=draw(numbers),
        data_token=draw(tokens),
        code_token=draw(tokens),
        metadata_token=draw(tokens),
    )
    raw = encode(
        container,
        draw(st.sampled_from([None, tuple(ends)])),
        draw(st.sampled_from([None, security])),
    )
    return decode(raw)


@st.composite
def subjects(draw: st.DrawFn) -> AuditSubject:
    return judged(
        draw(any_metadata()), draw(st.sampled_from(CODES)), draw(st.sampled_from([None, b"x"]))
    )


@given(
    st.lists(subjects(), max_size=5),
    st.sampled_from(HOSTS),
    st.sampled_from([None, *Profile]),
)
def test_the_audit_ends_with_inert_findings(
    given_: list[AuditSubject], host: Host, profile: Profile | None
) -> None:
    with wasm.within(5):
        found = findings(*given_, host=host, now_s=NOW_S, profile=profile)
    for each in found:
        assert inert(each.message)
        assert "\n" not in each.message
        assert inert(each.place)
        assert len(each.message) < 2000
    assert found == findings(*given_, host=host, now_s=NOW_S, profile=profile)
