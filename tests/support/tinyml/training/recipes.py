"""The three models: a sine, an autoencoder for anomalies, a keyword spotter after "Hello Edge"."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from support.tinyml.training.layers import Layer, dense_layers, forward, to_model, train_dense
from tinycontainer_endpoints.tinyml.model.enumerations import Builtin, TensorType
from tinycontainer_endpoints.tinyml.model.graph import Model

Array = Any


@dataclass
class Trained:
    """A trained network.

    Attributes:
        layers: in numpy.
        examples: inputs from which ranges are taken.
        ends: scale and zero point of input and output, if they are given by the use.
    """

    layers: Sequence[Layer]
    examples: Array
    ends: tuple[float, int] | None = None

    def model(self, kind: TensorType) -> Model:
        """As a model."""
        return to_model(self.layers, kind, self.examples, self.ends)


# The sine of a number between 0 and 2 pi.


def sine() -> Trained:
    chance = np.random.default_rng(1)
    layers = dense_layers((1, 16, 16, 1), chance)
    first = layers[0]
    first.bias = -first.weights[:, 0] * chance.uniform(0, 2 * np.pi, 16)  # bends all over the range

    def batch(_step: int) -> tuple[Array, Array]:
        x = chance.uniform(0, 2 * np.pi, (128, 1))
        return x, np.sin(x)

    train_dense(layers, batch, 4000, 1e-2)
    return Trained(layers, np.linspace(0, 2 * np.pi, 500)[:, None])


# Windows of a box's readings: 8 samples of orientation, temperature, humidity and the temperature's
# change, each from -1 to 1 where all is well. The network gives back the nearest such window.

SAMPLES, CHANNELS = 8, 4
STEPS_PER_UNIT = 64
TEMPERATURE, CHANGE = 1, 3


def windows(chance: Any, count: int, *, wrong: bool) -> tuple[Array, Array]:
    """Windows as they come, and as they should be; channel by channel, oldest sample first."""
    levels = chance.uniform(-0.95, 0.95, (count, 3, 2))
    levels[..., 1] = levels[..., 0] + chance.normal(0, 0.2, (count, 3)) * chance.integers(
        0, 2, (count, 3)
    )
    when = chance.integers(0, SAMPLES + 1, (count, 3, 1))
    late = np.arange(SAMPLES) >= when
    clean = np.where(late, levels[..., 1:], levels[..., :1]).clip(-0.95, 0.95)
    seen = clean + chance.normal(0, 0.01, clean.shape)
    if wrong:
        which = chance.integers(0, 3, count)
        side = chance.choice((-1, 1), count)
        begin = chance.integers(0, SAMPLES, count)
        length = chance.integers(1, SAMPLES + 1, count)
        beyond = side * chance.uniform(1.25, 2.2, count)
        since = np.arange(SAMPLES) - begin[:, None]
        hit = (since >= 0) & (since < length[:, None])
        rows = np.arange(count)
        seen[rows, which] = np.where(hit, beyond[:, None], seen[rows, which])
    good = seen.clip(-1, 1)
    return _flat(seen).clip(-2, 127 / STEPS_PER_UNIT), _flat(good).clip(-2, 127 / STEPS_PER_UNIT)


def _flat(levels: Array) -> Array:
    temperature = levels[:, TEMPERATURE]
    change = np.diff(temperature, axis=1, prepend=temperature[:, :1])
    return np.concatenate([levels, change[:, None]], 1).reshape(len(levels), -1)


def errors(given: Array, made: Array) -> Array:
    """Squared error of each channel, in steps of the quantisation."""
    steps = np.round((given - made) * STEPS_PER_UNIT)
    return (steps.reshape(-1, CHANNELS, SAMPLES) ** 2).sum(2)


def autoencoder() -> Trained:
    chance = np.random.default_rng(2)
    layers = dense_layers((32, 16, 8, 16, 32), chance, linear=(1,))

    def batch(_step: int) -> tuple[Array, Array]:
        halves = [windows(chance, 64, wrong=wrong) for wrong in (False, True)]
        seen, good = (np.concatenate(each) for each in zip(*halves, strict=True))
        return seen, good

    train_dense(layers, batch, 12_000, 6e-3)
    return Trained(layers, batch(0)[0], (1 / STEPS_PER_UNIT, 0))


# Keywords: 49 frames of 10 coefficients of a second of sound; 12 classes. The sounds are synthetic.

FRAMES, COEFFICIENTS, FILTERS, CLASSES = 49, 10, 64, 12
SILENCE, UNKNOWN = 0, 1
LABELS: tuple[str, ...] = (
    "silence",
    "unknown",
    "yes",
    "no",
    "up",
    "down",
    "left",
    "right",
    "on",
    "off",
    "stop",
)
LABELS += ("go",)
WORD_STEPS = 20
"""Steps of the quantisation of one unit of a coefficient."""


def prototypes() -> Array:
    """A trajectory through the coefficients for each word, and some for unknown ones."""
    chance = np.random.default_rng(7)
    knots = chance.normal(0, 2, (40, 8, COEFFICIENTS))
    places = np.linspace(0, 7, FRAMES)
    left = np.minimum(places.astype(int), 6)
    part = (places - left)[:, None]
    return knots[:, left] * (1 - part) + knots[:, left + 1] * part


def utterances(chance: Any, labels: Array) -> Array:
    """A second of sound for each label: shifted, louder or softer, with noise."""
    words = prototypes()
    which = np.where(labels == UNKNOWN, chance.integers(CLASSES, len(words), len(labels)), labels)
    sounds = words[which] * chance.uniform(0.8, 1.2, (len(labels), 1, 1))
    sounds[labels == SILENCE] = 0
    for sound, shift in zip(sounds, chance.integers(-2, 3, len(labels)), strict=True):
        sound[:] = np.roll(sound, shift, axis=0)
    sounds += chance.normal(0, 0.3, sounds.shape)
    steps = np.round(sounds * WORD_STEPS).clip(-128, 127) / WORD_STEPS
    return steps[..., None]


def keywords() -> Trained:
    """DS-CNN-S: its filters are random and scaled by data; what is trained is the last layer.

    A network whose features were trained as well would do better on real sounds; this one has the
    same operators, sizes and work, and is made in seconds.
    """
    chance = np.random.default_rng(3)
    labels: Array = np.arange(1200) % CLASSES
    x = utterances(chance, labels)
    layers: list[Layer] = []
    value = x
    for layer in _body(chance):
        value = _scaled(layer, value)
        layers.append(layer)
    layers += [Layer(Builtin.AVERAGE_POOL_2D), Layer(Builtin.RESHAPE, shape=(FILTERS,))]
    features = forward(layers[-2:], value)[-1]
    layers += [_read_out(features, labels), Layer(Builtin.SOFTMAX)]
    return Trained(layers, x[:240], None)


def _body(chance: Any) -> list[Layer]:
    def normal(*shape: int) -> Array:
        return chance.normal(0, 1, shape)

    conv = Layer(Builtin.CONV_2D, normal(FILTERS, 10, 4, 1), np.zeros(FILTERS), True, (2, 2))
    body = [conv]
    for _ in range(4):
        depthwise = normal(1, 3, 3, FILTERS)
        pointwise = normal(FILTERS, 1, 1, FILTERS)
        body.append(Layer(Builtin.DEPTHWISE_CONV_2D, depthwise, np.zeros(FILTERS), True))
        body.append(Layer(Builtin.CONV_2D, pointwise, np.zeros(FILTERS), True))
    return body


def _scaled(layer: Layer, x: Array) -> Array:
    """Scale a layer's filters so that each gives results around 0 with a spread of 1."""
    raw = Layer(layer.code, layer.weights, layer.bias, False, layer.strides)(x[:120])
    mean, spread = raw.mean((0, 1, 2)), raw.std((0, 1, 2)) + 1e-6
    axis = 0 if layer.code is Builtin.CONV_2D else 3
    shape = [1] * 4
    shape[axis] = FILTERS
    layer.weights = layer.weights / spread.reshape(shape)
    layer.bias = -mean / spread
    return layer(x)


def _read_out(features: Array, labels: Array) -> Layer:
    """The last layer, by ridge regression on the classes."""
    mean = features.mean(0)
    centred = features - mean
    wanted = np.where(np.arange(CLASSES) == labels[:, None], 6.0, -6.0)
    gram = (
        centred.T @ centred + 1e-2 * np.trace(centred.T @ centred) / FILTERS * np.eye(FILTERS) / 10
    )
    weights = np.linalg.solve(gram, centred.T @ (wanted - wanted.mean(0))).T
    return Layer(Builtin.FULLY_CONNECTED, weights, wanted.mean(0) - weights @ mean)
