"""One call into a store: one that is suspended when its fuel is gone, and one that is stopped."""

import ctypes
from ctypes import addressof
from typing import Any, Protocol

from wasmtime import _bindings as bindings

from .store import TenantStore


class Call(Protocol):
    """A function of a store that was begun and is not yet given back."""

    def advance(self) -> bool:
        """Execute until it ends or its fuel is gone; whether it has ended."""
        ...

    @property
    def result(self) -> int:
        """The i32 that it returned; 0 if it returns nothing."""
        ...

    def take_failure(self) -> tuple[int | None, int | None]:
        """The addresses of the trap and of the error that it ended with, to be deleted."""
        ...

    def drop(self) -> None:
        """Give it back, wherever it is."""
        ...


class _Returns:
    """Where wasmtime puts what comes of a call; it has to stay as long as the call."""

    def __init__(self, store: TenantStore, function: Any, results: int) -> None:
        self._store = store
        self._function = function
        self._results = (bindings.wasmtime_val_t * 1)()
        self._number = results
        self._trap = ctypes.c_void_p()
        self._error = ctypes.c_void_p()

    @property
    def result(self) -> int:
        """See `Call.result`."""
        return int(self._results[0].of.i32) if self._number else 0

    def take_failure(self) -> tuple[int | None, int | None]:
        """See `Call.take_failure`."""
        taken = self._trap.value, self._error.value
        self._trap.value = self._error.value = None
        return taken

    def _delete_failure(self) -> None:
        trap, error = self.take_failure()
        if trap:
            self._store.api.wasm_trap_delete(trap)
        if error:
            self._store.api.wasmtime_error_delete(error)


class SuspendedCall(_Returns):
    """An asynchronous call: a stack of its own, on which it stays between two polls.

    Args:
        store: where the function lives.
        function: which function.
        results: how many results it has, 0 or 1.
    """

    def __init__(self, store: TenantStore, function: Any, results: int) -> None:
        super().__init__(store, function, results)
        self._torn = False
        store.hold_future(
            lambda: store.api.wasmtime_func_call_async(
                store.context,
                addressof(function),
                None,
                0,
                addressof(self._results),
                results,
                addressof(self._trap),
                addressof(self._error),
            ),
            self,
        )

    def advance(self) -> bool:
        """See `Call.advance`.

        Raises:
            RuntimeError: the call has ended, or was interrupted in mid-poll.
        """
        future = self._store.find_future(self)
        if future is None or self._torn:
            raise RuntimeError("a call that is over cannot go on")
        # An operator's interrupt can come between the poll and what is made of its answer; a
        # future that is done must not be polled again.
        self._torn = True
        done: bool = self._store.api.wasmtime_call_future_poll(future)
        self._store.memory.may_have_grown = True
        self._torn = done
        return done

    def drop(self) -> None:
        """Delete the future, which unwinds the stack; the store stays usable."""
        self._store.drop_future()
        self._delete_failure()


class StoppableCall(_Returns):
    """A plain call, where asynchronous ones do not work: it runs to its end or out of fuel.

    Args:
        store: where the function lives.
        function: which function.
        results: how many results it has, 0 or 1.
    """

    def advance(self) -> bool:
        """See `Call.advance`; always ended."""
        self._error.value = self._store.api.wasmtime_func_call(
            self._store.context,
            addressof(self._function),
            None,
            0,
            addressof(self._results),
            self._number,
            addressof(self._trap),
        )
        self._store.memory.may_have_grown = True
        return True

    def drop(self) -> None:
        """Give back what it ended with."""
        self._delete_failure()
