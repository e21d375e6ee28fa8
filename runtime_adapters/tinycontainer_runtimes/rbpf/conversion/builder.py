"""The builder: what ``tinycontainerctl build`` calls for an object."""

from collections.abc import Iterator

from tinycontainer.errors import BuildRefused
from tinycontainer.interfaces.building import BuiltCode
from tinycontainer.interfaces.debug_info import DebugInfo
from tinycontainer.interfaces.runtime import Hook, RuntimeLimits

from ..codes import CodeRefused
from ..disassembly import disassemble
from ..image import HEADER_BYTES, MAGIC, read_image, write_image
from ..program import load_program
from .linking import link_object
from .object_file import read_object

_WIDEST = RuntimeLimits(code_bytes=1 << 24, memory_pages=1024)
"""What a device takes is the device's to judge."""


def create_builder() -> "RbpfBuilder":
    """The entry point ``rbpf`` of ``tinycontainer.builders``."""
    return RbpfBuilder()


class RbpfBuilder:
    """See `tinycontainer.interfaces.building.Builder` and `Disassembler`."""

    def build(self, source: bytes, source_map: bytes = b"") -> BuiltCode:
        """Convert an object that clang made with ``--target=bpfel -mcpu=v2 -c``.

        Raises:
            BuildRefused: it is no such object, or needs what rBPF does not have.
        """
        linked = link_object(read_object(source))
        try:
            code = write_image(linked.image)
            load_program(code, _WIDEST)
        except CodeRefused as refused:
            raise BuildRefused("", str(refused)) from None
        written = read_image(code)
        text = HEADER_BYTES + len(written.data) + len(written.rodata)
        rows = tuple((text + at, chain) for at, chain in linked.debug.rows)
        # Without a table of functions, the text is the loop.
        return BuiltCode(code, DebugInfo(rows), frozenset(written.functions or {Hook.LOOP}))

    def disassemble(self, source: bytes) -> Iterator[str]:
        """Show a .rbf file, or an object as it would be converted.

        Raises:
            BuildRefused: an object that cannot be converted.
            InadmissibleCode: a .rbf file that is refused at load.
        """
        code = source if source.startswith(MAGIC) else self.build(source).code
        return disassemble(load_program(code, _WIDEST))
