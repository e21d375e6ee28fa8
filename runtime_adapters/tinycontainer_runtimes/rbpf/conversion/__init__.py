"""From clang's BPF objects to .rbf files; the entry point ``rbpf`` of the builders."""

from .builder import RbpfBuilder, create_builder

__all__ = ["RbpfBuilder", "create_builder"]
