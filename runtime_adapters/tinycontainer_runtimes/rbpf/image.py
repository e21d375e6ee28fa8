"""The .rbf file: header, data, rodata, text, function table."""

from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct
from types import MappingProxyType
from typing import Final

from .codes import CodeRefused, RbpfCode

MAGIC: Final = b"rBPF"
ALIGNMENT: Final = 8
"""Data and rodata are pad to a multiple of this."""
MAX_NAME_BYTES: Final = 64
"""Longest name of a function, its ending zero byte included."""

_HEADER: Final = Struct("<4s6I")
_FUNCTION: Final = Struct("<3H")
HEADER_BYTES: Final = _HEADER.size


@dataclass(frozen=True, slots=True)
class Image:
    """What a .rbf file holds.

    Attributes:
        data: initial content of the writable data.
        rodata: read-only data, names of functions included.
        text: instructions.
        functions: byte offset in the text of each named function.
        version: of the application; its maker's to choose.
    """

    data: bytes
    rodata: bytes
    text: bytes
    functions: Mapping[str, int]
    version: int = 0

    @property
    def text_offset(self) -> int:
        """Where the text begins in the file that the image was read from, in bytes."""
        return HEADER_BYTES + len(self.data) + len(self.rodata)


def read_image(content: bytes) -> Image:
    """Take an untrusted file apart; its text is not looked at.

    Raises:
        CodeRefused: it is no .rbf file, or one whose parts do not fit.
    """
    if len(content) < HEADER_BYTES:
        raise CodeRefused(RbpfCode.ILLEGAL_LENGTH, f"{len(content)} bytes are no .rbf file")
    magic, version, flags, *lengths, count = _HEADER.unpack_from(content)
    if magic != MAGIC:
        raise CodeRefused(RbpfCode.ILLEGAL_INSTRUCTION, "does not begin with rBPF")
    if flags:
        named = " (compressed)" if flags & 1 else ""
        raise CodeRefused(RbpfCode.ILLEGAL_INSTRUCTION, f"has flags 0x{flags:x}{named}")
    _check_lengths(content, lengths, count)
    data_end = HEADER_BYTES + lengths[0]
    rodata_end = data_end + lengths[1]
    text_end = rodata_end + lengths[2]
    rodata = content[data_end:rodata_end]
    return Image(
        data=content[HEADER_BYTES:data_end],
        rodata=rodata,
        text=content[rodata_end:text_end],
        functions=_read_functions(content[text_end:], rodata, lengths[2]),
        version=version,
    )


def _check_lengths(content: bytes, lengths: list[int], count: int) -> None:
    for name, length in zip(("data", "rodata", "text"), lengths, strict=True):
        if length % ALIGNMENT:
            problem = f"the length of {name}, {length}, is not a multiple of {ALIGNMENT}"
            raise CodeRefused(RbpfCode.ILLEGAL_LENGTH, problem)
    if not lengths[2]:
        raise CodeRefused(RbpfCode.ILLEGAL_LENGTH, "the text is empty")
    announced = HEADER_BYTES + sum(lengths) + count * _FUNCTION.size
    if announced != len(content):
        problem = f"the header announces {announced} bytes, the file has {len(content)}"
        raise CodeRefused(RbpfCode.ILLEGAL_LENGTH, problem)


def _read_functions(table: bytes, rodata: bytes, text_bytes: int) -> Mapping[str, int]:
    functions: dict[str, int] = {}
    for number, (name_at, flags, offset) in enumerate(_FUNCTION.iter_unpack(table)):
        name = _read_name(rodata, name_at, number)
        if flags:
            raise CodeRefused(
                RbpfCode.ILLEGAL_INSTRUCTION, f"function {number} has flags 0x{flags:x}"
            )
        if offset % ALIGNMENT or offset >= text_bytes:
            problem = f"function {number} begins at byte {offset}, where no instruction starts"
            raise CodeRefused(RbpfCode.ILLEGAL_JUMP, problem)
        if name in functions:
            raise CodeRefused(
                RbpfCode.ILLEGAL_JUMP, f"function {number} has the name of another one"
            )
        functions[name] = offset
    return MappingProxyType(functions)


def _read_name(rodata: bytes, start: int, number: int) -> str:
    end = rodata.find(b"\0", start, start + MAX_NAME_BYTES)
    if end < 0:
        raise CodeRefused(
            RbpfCode.ILLEGAL_LENGTH, f"the name of function {number} has no end in rodata"
        )
    return rodata[start:end].decode("latin-1")


def write_image(image: Image) -> bytes:
    """The file of an image; names of functions are put after its rodata.

    Raises:
        CodeRefused: the place of a name or a function does not fit into 16 bits.
    """
    rodata = bytearray(image.rodata)
    table = bytearray()
    for name, offset in image.functions.items():
        if len(rodata) > 0xFFFF or offset > 0xFFFF:
            raise CodeRefused(
                RbpfCode.ILLEGAL_LENGTH, f"{name}: lies beyond what the table can address"
            )
        table += _FUNCTION.pack(len(rodata), 0, offset)
        rodata += name.encode("latin-1") + b"\0"
    data = pad(image.data)
    constants = pad(bytes(rodata))
    lengths = (len(data), len(constants), len(image.text), len(image.functions))
    header = _HEADER.pack(MAGIC, image.version, 0, *lengths)
    return header + data + constants + image.text + bytes(table)


def pad(content: bytes) -> bytes:
    """Bytes, filled up with zeros to the next multiple of 8."""
    return content + bytes(-len(content) % ALIGNMENT)
