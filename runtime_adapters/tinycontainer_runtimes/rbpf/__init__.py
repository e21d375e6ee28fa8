"""rBPF, the firmware's second container type, on a machine of its own; see ``specs/rbpf.md``."""

from .adapter import RbpfRuntime, create_runtime

__all__ = ["RbpfRuntime", "create_runtime"]
