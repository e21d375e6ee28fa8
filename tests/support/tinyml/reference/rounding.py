"""How the reference kernels round."""

from typing import Any

import numpy as np

Array = Any


def round_away(value: Array) -> Array:
    """Round to the nearest whole number, halves away from zero."""
    return np.sign(value) * np.floor(np.abs(value) + 0.5)


def multiply(sums: Array, ratios: Array) -> Array:
    """Multiply whole numbers by ratios that are held as 32-bit fractions with a shift."""
    sums, ratios = np.broadcast_arrays(np.asarray(sums, np.int64), np.asarray(ratios, float))
    fractions, shifts = np.frexp(ratios)
    fixed = round_away(fractions * (1 << 31)).astype(np.int64)
    shifts = np.where(fixed == 1 << 31, shifts + 1, shifts)
    fixed = np.where(fixed == 1 << 31, 1 << 30, fixed)
    left = sums << np.maximum(shifts, 0)
    product = left * fixed
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    high = np.where(nudged >= 0, nudged >> 31, -((-nudged) >> 31))
    right = np.maximum(-shifts, 0)
    mask = (1 << right) - 1
    remainder = high & mask
    threshold = (mask >> 1) + (high < 0)
    return (high >> right) + (remainder > threshold)
