"""What drivers of one installation share: made once for each kind and key, closed together."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tinycontainer.interfaces.driver import BoardInfo, DriverSetup, SharedResources


class Pool:
    """A resource that remembers whether it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class FaultyPool(Pool):
    def close(self) -> None:
        super().close()
        raise OSError("it does not close")


def setup(shown: list[bytes]) -> DriverSetup:
    return DriverSetup({}, Path(), bytes, shown.append, BoardInfo())


def test_a_kind_and_key_have_one_resource() -> None:
    resources = SharedResources()
    pool = resources.obtain(Pool, "a", Pool)
    assert resources.obtain(Pool, "a", Pool) is pool
    assert resources.obtain(Pool, "b", Pool) is not pool
    assert resources.obtain(FaultyPool, "a", FaultyPool) is not pool


def test_a_resource_that_cannot_be_made_is_tried_again() -> None:
    resources = SharedResources()

    def fail() -> Pool:
        raise OSError("not now")

    with pytest.raises(OSError, match="not now"):
        resources.obtain(Pool, "a", fail)
    assert resources.obtain(Pool, "a", Pool).closed == 0


def test_a_resource_of_another_kind_is_refused() -> None:
    resources = SharedResources()
    with pytest.raises(TypeError, match="a Pool was made, not a FaultyPool"):
        resources.obtain(FaultyPool, "a", Pool)  # type: ignore[arg-type]


def test_threads_that_ask_at_once_get_one_resource() -> None:
    resources = SharedResources()
    together = Barrier(8)

    def ask(_number: int) -> Pool:
        together.wait()
        return resources.obtain(Pool, "a", Pool)

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(ask, range(8)))) == 1


def test_closing_closes_each_resource_once_and_all_in_spite_of_a_failure() -> None:
    resources = SharedResources()
    resources.obtain(str, "has no close", str)
    pools = [resources.obtain(kind, "a", kind) for kind in (Pool, FaultyPool)]
    with pytest.raises(OSError, match="it does not close"):
        resources.close()
    resources.close()
    assert [pool.closed for pool in pools] == [1, 1]
    with pytest.raises(RuntimeError, match="closed"):
        resources.obtain(Pool, "b", Pool)


def test_a_setup_has_resources_of_its_own_unless_it_is_given_some() -> None:
    assert setup([]).resources is not setup([]).resources


def test_a_setup_shows_a_line_once() -> None:
    shown: list[bytes] = []
    one = setup(shown)
    one.show_once(b"a")
    one.show_once(b"b")
    one.show_once(b"a")
    setup(shown).show_once(b"a")
    assert shown == [b"a", b"b", b"a"]
