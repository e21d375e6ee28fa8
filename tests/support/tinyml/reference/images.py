"""What the operators on images compute: convolutions, pools, and images that are resized."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinycontainer_endpoints.tinyml.model.enumerations import Builtin

Array = Any


def _windows(
    step: Any, rows: int, columns: int, *, dilated: bool
) -> Iterator[tuple[int, int, list[tuple[int, int, int, int]]]]:
    """Each place of the output, with the pairs of window and image that lie in the image."""
    _, height, width, _ = step.inputs[0].shape
    _, out_height, out_width, _ = step.output.shape
    places = []
    for extent, made, length, end in (
        (height, out_height, rows, "h"),
        (width, out_width, columns, "w"),
    ):
        stride = step.option(f"stride_{end}")
        dilation = step.option(f"dilation_{end}") if dilated else 1
        reach = (length - 1) * dilation + 1
        missing = max((made - 1) * stride + reach - extent, 0)
        before = 0 if step.option("padding") else missing // 2
        places.append(
            [
                [
                    (inner, at)
                    for inner in range(length)
                    if 0 <= (at := place * stride + inner * dilation - before) < extent
                ]
                for place in range(made)
            ]
        )
    for row, vertical in enumerate(places[0]):
        for column, horizontal in enumerate(places[1]):
            yield row, column, [(i, y, j, x) for i, y in vertical for j, x in horizontal]


def convolution(step: Any) -> Array:
    data = step.centred(0) if step.small else step.inputs[0].astype(float)
    weights = step.inputs[1].astype(data.dtype)
    sums = np.zeros(step.output.shape, data.dtype) + step.inputs[2]
    depthwise = step.operator.code is Builtin.DEPTHWISE_CONV_2D
    rows, columns = weights.shape[1:3]
    if depthwise:
        data = np.repeat(data, step.option("depth_multiplier"), 3)
    for row, column, pairs in _windows(step, rows, columns, dilated=True):
        for i, y, j, x in pairs:
            if depthwise:
                sums[:, row, column] += data[:, y, x] * weights[0, i, j]
            else:
                sums[:, row, column] += data[:, y, x] @ weights[:, i, j].T
    if not step.small:
        return np.clip(sums, *step.limits())
    scales = np.array(step.tensor(1).scales)
    return step.scaled(sums, scales * step.tensor(0).scales[0] / step.output.scales[0])


def pool(step: Any) -> Array:
    data = step.inputs[0].astype(np.int64 if step.small else float)
    made = np.zeros(step.output.shape, data.dtype)
    average = step.operator.code is Builtin.AVERAGE_POOL_2D
    size = step.option("filter_h"), step.option("filter_w")
    for row, column, pairs in _windows(step, *size, dilated=False):
        values = np.stack([data[:, y, x] for _, y, _, x in pairs])
        if not average:
            made[:, row, column] = values.max(0)
        elif step.small:
            sums, count = values.sum(0), len(pairs)
            half = np.where(sums > 0, count // 2, -(count // 2))
            made[:, row, column] = np.trunc((sums + half) / count)
        else:
            made[:, row, column] = values.mean(0)
    return np.clip(made, *step.limits())


def resize(step: Any) -> Array:
    data = step.inputs[0]
    if step.small:
        return _resize_whole(step, data.astype(np.int64))
    rows, columns = (
        _places(step, data.shape[1 + axis], int(step.inputs[1][axis])) for axis in (0, 1)
    )
    made = np.zeros(step.output.shape)
    for row, (y0, y1, v) in enumerate(rows):
        for column, (x0, x1, h) in enumerate(columns):
            upper = data[:, y0, x0] * (1 - h) + data[:, y0, x1] * h
            lower = data[:, y1, x0] * (1 - h) + data[:, y1, x1] * h
            made[:, row, column] = upper * (1 - v) + lower * v
    return made


def _places(step: Any, before: int, after: int) -> list[tuple[int, int, float]]:
    aligned = step.option("align_corners") and after > 1
    scale = (before - 1) / (after - 1) if aligned else before / after
    found = []
    for index in range(after):
        place = (index + 0.5) * scale - 0.5 if step.option("half_pixel_centers") else index * scale
        low = max(int(np.floor(place)), 0)
        found.append((low, min(int(np.ceil(place)), before - 1), place - low))
    return found


def _resize_whole(step: Any, data: Array) -> Array:
    rows, columns = (
        _whole_places(step, data.shape[1 + axis], int(step.inputs[1][axis])) for axis in (0, 1)
    )
    made = np.zeros(step.output.shape, np.int64)
    one = 1 << 10
    for row, (y0, y1, v) in enumerate(rows):
        for column, (x0, x1, h) in enumerate(columns):
            total = (
                data[:, y0, x0] * (one - v) * (one - h)
                + data[:, y1, x0] * v * (one - h)
                + data[:, y0, x1] * (one - v) * h
                + data[:, y1, x1] * v * h
            )
            half = np.where(total > 0, 1 << 19, -(1 << 19))
            made[:, row, column] = np.trunc((total + half) / (1 << 20))
    return made


def _whole_places(step: Any, before: int, after: int) -> list[tuple[int, int, int]]:
    one = 1 << 10
    if step.option("align_corners") and after > 1:
        scale = (one * (before - 1) + (after - 1) // 2) // (after - 1)
    else:
        scale = (one * before + after // 2) // after
    found = []
    for index in range(after):
        place = index * scale
        if step.option("half_pixel_centers"):
            place += scale // 2 - one // 2
        low = max(int(place / one), 0)
        found.append((low, min(int((place + one - 1) / one), before - 1), place - one * low))
    return found


IMAGES: dict[Builtin, Callable[[Any], Array]] = {
    Builtin.AVERAGE_POOL_2D: pool,
    Builtin.CONV_2D: convolution,
    Builtin.DEPTHWISE_CONV_2D: convolution,
    Builtin.MAX_POOL_2D: pool,
    Builtin.RESIZE_BILINEAR: resize,
}
