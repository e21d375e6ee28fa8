"""A bounded reader of WebAssembly's binary format, and the types of functions in it."""

from dataclasses import dataclass
from typing import Final

from .features import Feature
from .refusal import ScanRefusal, Topic

I32: Final = 0x7F
"""The value type i32, as a byte of the format."""


@dataclass(frozen=True, slots=True)
class FunctionType:
    """Parameters and results, as bytes of the binary format."""

    parameters: tuple[int, ...] = ()
    results: tuple[int, ...] = ()

    def __str__(self) -> str:
        names = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", 0x70: "funcref"}
        sides = (
            ", ".join(names.get(kind, f"{kind:#x}") for kind in side)
            for side in (self.parameters, self.results)
        )
        return " -> ".join(f"({side})" for side in sides)


class Reader:
    """Reads forward within one range of a module's bytes.

    Args:
        data: the module.
        offset: where to begin.
        end: where the range ends; reading past it is refused.
    """

    __slots__ = ("data", "end", "offset")

    def __init__(self, data: bytes, offset: int, end: int) -> None:
        self.data = data
        self.offset = offset
        self.end = end

    @property
    def remaining(self) -> int:
        """Bytes left in the range."""
        return self.end - self.offset

    def fail(
        self,
        problem: str,
        offset: int | None = None,
        topic: Topic | Feature | None = None,
        allow: int | None = None,
    ) -> ScanRefusal:
        """The error for a problem here, or at an earlier offset; see `ScanRefusal`."""
        return ScanRefusal(self.offset if offset is None else offset, problem, topic, allow)

    def fail_feature(self, feature: Feature, offset: int) -> ScanRefusal:
        """The error for something of a feature that is not admitted."""
        return self.fail(f"a module with {feature.words} is not admitted here", offset, feature)

    def read_byte(self) -> int:
        """One byte."""
        if self.offset >= self.end:
            raise self.fail("ends too early")
        value = self.data[self.offset]
        self.offset += 1
        return value

    def skip(self, size: int) -> None:
        """Pass over bytes."""
        if size > self.remaining:
            raise self.fail("ends too early")
        self.offset += size

    def read_u32(self) -> int:
        """An unsigned LEB128 number of at most 5 bytes and 32 bits."""
        start = self.offset
        result = 0
        if start < self.end and (byte := self.data[start]) < 0x80:
            self.offset += 1
            return byte
        # Linkers write numbers that they filled in with all five bytes.
        for place, byte in enumerate(self.data[start : min(start + 5, self.end)]):
            result |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                self.offset = start + place + 1
                if result >> 32:
                    raise self.fail("number has more than 32 bits", start)
                return result
        raise self._fail_endless(start, 5)

    def skip_signed(self, max_bytes: int) -> None:
        """Pass over a signed LEB128 number; its sign bits are left to validation."""
        start = self.offset
        for place in range(start, min(start + max_bytes, self.end)):
            if self.data[place] < 0x80:
                self.offset = place + 1
                return
        raise self._fail_endless(start, max_bytes)

    def skip_s32(self) -> None:
        """Pass over a signed number of 32 bits."""
        start = self.offset
        if start < self.end and self.data[start] < 0x80:
            self.offset += 1
        else:
            self.skip_signed(5)

    def _fail_endless(self, start: int, max_bytes: int) -> ScanRefusal:
        """The error for a number that does not end within its bytes, or within the range."""
        if start + max_bytes <= self.end:
            return self.fail(f"number has more than {max_bytes} bytes", start)
        return self.fail("ends too early", self.end)

    def read_count(self, what: str, maximum: int | None = None) -> int:
        """The length of a vector whose items have at least one byte each.

        Args:
            what: the items, in the plural.
            maximum: how many are allowed; None if bytes are their only bound.
        """
        start = self.offset
        number = self.read_u32()
        if number > self.remaining:
            raise self.fail(f"{number} {what} announced, more than bytes remain", start)
        if maximum is not None and number > maximum:
            raise self.fail(f"{number} {what} where at most {maximum} are allowed", start)
        return number

    def read_name(self) -> str:
        """A UTF-8 name."""
        start = self.offset
        size = self.read_u32()
        if size > self.remaining:
            raise self.fail("name ends too late", start)
        raw = self.data[self.offset : self.offset + size]
        self.offset += size
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise self.fail("name is not UTF-8", start) from None


def encode_leb(value: int, end: int = 0x80) -> bytes:
    """A LEB128 number in its shortest form.

    Args:
        value: at least 0.
        end: above what the last byte may be: 0x80 if the number is unsigned, 0x40 if it is signed.
    """
    parts = bytearray()
    while value >= end:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
