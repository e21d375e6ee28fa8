"""Windows that slide over images, the pools, which are nothing but windows, and resized images."""

from typing import Final

from ..enumerations import Padding, TensorType
from ..flaws import Flaw
from .node import Node

IMAGE_RANK: Final = 4
"""Batch, height, width, channels."""
WINDOW_LENGTHS: Final = range(1, 257)
STRIDES: Final = range(1, 65)
DILATIONS: Final = range(1, 17)
SIZES: Final = range(1, 4097)
"""Height and width that an image can be resized to."""
_PADDINGS: Final = frozenset(Padding)
_FRACTION_BITS: Final = 10
"""In places of 8-bit images, which native code computes as whole numbers."""
_DIMENSIONS: Final = (("height", "h"), ("width", "w"))
"""A window's dimensions, and the ends of the names of their options."""


def read_image_shape(node: Node) -> tuple[int, int, int, int]:
    """Batch, height, width and channels of an input that is an image.

    Raises:
        ModelRefused: the input has another number of dimensions.
    """
    rank = len(node.data.shape)
    node.require(rank == IMAGE_RANK, Flaw.IMAGE_RANK, node.data, found=rank, allowed=IMAGE_RANK)
    batch, height, width, channels = node.data.shape
    return batch, height, width, channels


def slide_window(
    node: Node, image: tuple[int, int], window: tuple[int, int], *, dilated: bool
) -> tuple[int, int]:
    """In how many places a window can be: height and width of the output.

    Args:
        node: whose options give padding, strides and dilations.
        image: height and width of the input.
        window: height and width of the window.
        dilated: whether the operator has dilations.

    Raises:
        ModelRefused: an option is out of range, or the window is larger than the image.
    """
    padding = node.operator.number("padding")
    node.require(padding in _PADDINGS, Flaw.PADDING_MODE, found=padding, allowed=_PADDINGS)
    height, width = (
        _count_places(node, dimension, image[dimension], window[dimension], dilated=dilated)
        for dimension in range(len(_DIMENSIONS))
    )
    return height, width


def _count_places(node: Node, dimension: int, extent: int, length: int, *, dilated: bool) -> int:
    subject, suffix = _DIMENSIONS[dimension]
    stride = node.operator.number(f"stride_{suffix}")
    dilation = node.operator.number(f"dilation_{suffix}") if dilated else 1
    for flaw, found, allowed in (
        (Flaw.WINDOW_LENGTH, length, WINDOW_LENGTHS),
        (Flaw.STRIDE, stride, STRIDES),
        (Flaw.DILATION, dilation, DILATIONS),
    ):
        node.require(found in allowed, flaw, found=found, allowed=allowed, subject=subject)
    if node.operator.number("padding") == Padding.SAME:
        return -(-extent // stride)
    reach = (length - 1) * dilation + 1
    fits = reach <= extent
    node.require(fits, Flaw.WINDOW_REACH, found=reach, allowed=extent, subject=subject)
    return (extent - reach) // stride + 1


def check_pool(node: Node) -> int:
    """AVERAGE_POOL_2D and MAX_POOL_2D."""
    node.require_inputs(range(1, 2))
    node.require_options()
    node.require_computed(node.data)
    batch, height, width, channels = read_image_shape(node)
    rows = node.operator.number("filter_h")
    columns = node.operator.number("filter_w")
    # With padding SAME a larger window would pass, and no test exercises it.
    for subject, found, allowed in (("height", rows, height), ("width", columns, width)):
        fits = found <= allowed
        node.require(fits, Flaw.POOL_WINDOW, found=found, allowed=allowed, subject=subject)
    node.require_known_activation()
    node.require_same_quantisation(node.data)
    places = slide_window(node, (height, width), (rows, columns), dilated=False)
    node.require_output_shape((batch, *places, channels))
    return node.output.elements * rows * columns


def check_resize_bilinear(node: Node) -> int:
    """RESIZE_BILINEAR: a constant gives height and width of the output."""
    node.require_inputs(range(2, 3))
    node.require_options()
    node.require_computed(node.data)
    node.require_same_quantisation(node.data)
    batch, height, width, channels = read_image_shape(node)
    sizes = node.read_list(node.inputs[1], "sizes", range(2, 3))
    for each in sizes:
        node.require(each in SIZES, Flaw.RESIZED, node.inputs[1], found=each, allowed=SIZES)
    aligned = bool(node.operator.number("align_corners"))
    halved = bool(node.operator.number("half_pixel_centers"))
    node.require(not (aligned and halved), Flaw.CENTRES)
    node.require_output_shape((batch, *sizes, channels))
    if node.data.type is TensorType.I8:
        for (subject, _), before, after in zip(_DIMENSIONS, (height, width), sizes, strict=True):
            last = _find_last_place(before, after, aligned=aligned, halved=halved)
            within = last < before
            node.require(within, Flaw.RESIZED_BEYOND, found=last, allowed=before, subject=subject)
    return node.output.elements


def _find_last_place(before: int, after: int, *, aligned: bool, halved: bool) -> int:
    """The last row or column that native code reads of an 8-bit image, as it computes that.

    It rounds the ratio of the sizes to a fraction of 10 bits, and does not keep the place within
    the image. Of numbers with a point the rounding is too small to lead out of it.
    """
    corner = int(aligned and after > 1)
    divisor = after - corner
    ratio = ((before - corner << _FRACTION_BITS) + divisor // 2) // divisor
    last = (after - 1) * ratio
    if halved:
        last += ratio // 2 - (1 << _FRACTION_BITS - 1)
    return max(last, 0) >> _FRACTION_BITS
