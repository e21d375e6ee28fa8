"""What a model of machine learning shows of itself without being run.

An inspector is a function ``(content, board, options) -> ModelReport`` in the entry point group
``tinycontainer.models``, named after the file format. It never raises for what is in the file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """An input or an output.

    Attributes:
        name: as the model gives it, untrusted.
        type: of its elements, such as ``i8``.
        shape: its dimensions.
        size_bytes: length of its data.
        scale, zero_point: of its quantisation; 0 without one.
    """

    name: bytes
    type: str
    shape: tuple[int, ...]
    size_bytes: int
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True)
class Need:
    """What a model needs of a quota.

    Attributes:
        quota: the quota's name.
        needed: by the model.
        default: what a container may use, on the board or device that was asked about.
    """

    quota: str
    needed: int
    default: int


@dataclass(frozen=True, slots=True)
class ModelReport:
    """What was found.

    Attributes:
        size_bytes: length of the file.
        code: 0 if a container may load it; else the code of the refusal.
        verdict: the same in words.
        problems: everything for which it is refused, each as a sentence.
        inputs, outputs: what goes in and comes out; none if it could not be read.
        operators: how many of each.
        needs: what it needs of each quota; without those that an unsound model does not show.
    """

    size_bytes: int
    code: int
    verdict: str
    problems: tuple[str, ...]
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    operators: Mapping[str, int]
    needs: tuple[Need, ...]


ModelInspector: TypeAlias = Callable[[bytes, str, Mapping[str, object]], ModelReport]
"""Takes the file, untrusted, the name of a board, and the options of the driver that would run the
model; raises `ValueError` with one line if the options are wrong."""
