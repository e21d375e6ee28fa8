"""Containers for tests of the bench, hostile ones too, each in a directory of its own."""

from pathlib import Path
from typing import Final

from support.rbpf.assembling import hooks
from support.wasm.modules import container, loop

DEVICE: Final = """[trust]
keys = [
    { role = "developer", file = "keys/developer.pub" },
    { role = "provider", file = "keys/provider.pub" },
    { role = "infrastructure", file = "keys/infrastructure.pub" },
    { role = "owner", file = "keys/owner.pub" },
]

[[drivers]]
driver = "console"
endpoint = 1
"""
"""A device file whose keys nobody has."""

ENDLESS: Final = {
    "wasm": loop("(loop $again (br $again)) (i32.const 0)"),
    "bpf": hooks(loop="again:\nja again\nexit"),
}
"""A loop hook that never ends, by container type."""

TRAPPING: Final = {
    "wasm": loop("unreachable"),
    "bpf": hooks(loop="mov r1, 0\nldxb r0, [r1+0]\nexit"),
}
"""A loop hook that traps."""

FLOODING: Final = {
    "wasm": container(
        '(data (i32.const 8) "flood\\00")'
        ' (func (export "loop") (result i32)'
        " (loop $again (call $logger (i32.const 8)) (br $again)) (i32.const 0))",
        uses=("logger",),
    ),
    "bpf": hooks(loop="again:\nmov r1, r10\nsub r1, 8\nstb [r1+0], 0\ncall logger\nja again\nexit"),
}
"""A loop hook that logs without end."""


def write_container(
    directory: Path,
    code: bytes,
    *,
    type_: str = "wasm",
    device: str | None = DEVICE,
    syscalls: str = '["open", "close", "read", "write", "heartbeat"]',
    more: str = "",
) -> Path:
    """Make the directory of a container, with a manifest and a device file.

    Args:
        directory: is made.
        code: the code section.
        type_: wasm or bpf.
        device: the device file; None for none.
        syscalls: what the container may call.
        more: tables of the manifest, after that of the container.
    """
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "code").write_bytes(code)
    (directory / "container.toml").write_text(
        f'[container]\nuid = "tested"\ntype = "{type_}"\ncode = "code"\nsyscalls = {syscalls}\n'
        f"{more}"
    )
    if device is not None:
        (directory / "device.toml").write_text(device)
    return directory
