"""Which functions of a module a hook consists of."""

from collections.abc import Mapping

from tinycontainer.interfaces.runtime import Hook

from .scan import Module


def hook_functions(module: Module) -> Mapping[Hook, tuple[int, ...]]:
    """Indexes of the functions of each hook, in order; START includes the start function."""
    hooks: dict[Hook, tuple[int, ...]] = {}
    for hook in Hook:
        exported = module.exports.get(hook.value)
        hooks[hook] = () if exported is None else (exported[1],)
    if module.start is not None:
        hooks[Hook.START] = (module.start, *hooks[Hook.START])
    return hooks
