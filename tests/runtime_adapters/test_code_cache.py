"""What runtimes keep of code: by code and limits, bounded by bytes, used by several threads."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer_runtimes.code_cache import (
    RBPF_CACHE_BYTES,
    VERDICT_CACHE_BYTES,
    WASM_CACHE_BYTES,
    CodeCache,
)

LIMITS = RuntimeLimits()


class Maker:
    """Makes entries that hold as many bytes as their code says, and notes which."""

    def __init__(self, max_bytes: int) -> None:
        self.cache = CodeCache[bytes](max_bytes, int)
        self.made: list[bytes] = []

    def get(self, code: bytes, limits: RuntimeLimits = LIMITS) -> bytes:
        def make() -> bytes:
            self.made.append(code)
            return code

        return self.cache.find_or_make(code, limits, make)


def test_an_entry_is_made_once() -> None:
    maker = Maker(100)
    assert maker.get(b"10") is maker.get(b"1" + b"0")
    assert maker.made == [b"10"]
    assert (len(maker.cache), maker.cache.held_bytes) == (1, 10)


def test_other_limits_have_an_entry_of_their_own() -> None:
    maker = Maker(100)
    maker.get(b"10")
    maker.get(b"10", RuntimeLimits(floats=False))
    maker.get(b"10", RuntimeLimits(memory_pages=2))
    maker.get(b"10", RuntimeLimits())
    assert maker.made == [b"10"] * 3


def test_what_was_used_longest_ago_is_dropped_when_bytes_run_out() -> None:
    maker = Maker(100)
    for code in (b"40", b"50", b"40", b"30"):
        maker.get(code)
    assert maker.cache.held_bytes == 70
    maker.get(b"40")
    assert maker.made == [b"40", b"50", b"30"]
    maker.get(b"50")
    assert maker.made == [b"40", b"50", b"30", b"50"]


def test_what_alone_exceeds_the_bound_is_not_kept_and_drops_nothing() -> None:
    maker = Maker(100)
    maker.get(b"60")
    assert maker.get(b"101") == b"101"
    assert (len(maker.cache), maker.cache.held_bytes) == (1, 60)
    maker.get(b"101")
    assert maker.made == [b"60", b"101", b"101"]


def test_refusals_are_raised_each_time_and_not_kept() -> None:
    cache = CodeCache[bytes](100, len)
    asked = []

    def refuse() -> bytes:
        asked.append(1)
        raise InadmissibleCode("no")

    for _ in range(3):
        with pytest.raises(InadmissibleCode):
            cache.find_or_make(b"code", LIMITS, refuse)
    assert (len(asked), len(cache)) == (3, 0)


def test_threads_that_make_the_same_at_once_get_the_same() -> None:
    cache, together = CodeCache[list[int]](100, len), Barrier(4)

    def make() -> list[int]:
        together.wait(10)
        return [1, 2]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: cache.find_or_make(b"code", LIMITS, make), range(4)))
    assert all(each is found[0] for each in found)
    assert (len(cache), cache.held_bytes) == (1, 2)


def test_accounts_are_right_after_many_threads() -> None:
    cache = CodeCache[int](50, int)
    codes = [b"%d" % (number % 20) for number in range(2_000)]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda code: cache.find_or_make(code, LIMITS, lambda: int(code)), codes)
        assert list(found) == [int(code) for code in codes]
    assert cache.held_bytes <= 50


def test_all_that_one_installation_keeps_is_at_most_64_mebibytes() -> None:
    assert WASM_CACHE_BYTES + VERDICT_CACHE_BYTES + RBPF_CACHE_BYTES <= 64 << 20
