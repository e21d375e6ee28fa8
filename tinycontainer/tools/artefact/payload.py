"""The type of code by its first bytes, without a look at the metadata."""

from tinycontainer.metadata import ContainerType

_WASM_MAGIC = b"\0asm"
_RBPF_MAGIC = b"rBPF"
_ELF_MAGIC = b"\x7fELF"
_ELF_MACHINE = slice(18, 20)
_MACHINE_BPF = (247).to_bytes(2, "little")


def payload_type(code: bytes) -> ContainerType | None:
    """The container type whose code begins like this; None if there is no such type."""
    if code.startswith(_WASM_MAGIC):
        return ContainerType.WASM
    if code.startswith(_RBPF_MAGIC):
        return ContainerType.BPF
    if code.startswith(_ELF_MAGIC) and code[_ELF_MACHINE] == _MACHINE_BPF:
        return ContainerType.BPF
    return None
