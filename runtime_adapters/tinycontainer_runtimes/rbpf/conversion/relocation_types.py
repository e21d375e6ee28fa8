"""Types of BPF's relocations, as LLVM numbers them."""

from typing import Final

R_BPF_64_64: Final = 1
R_BPF_64_ABS64: Final = 2
R_BPF_64_ABS32: Final = 3
R_BPF_64_NODYLD32: Final = 4
"""An address for debuggers only."""
R_BPF_64_32: Final = 10
