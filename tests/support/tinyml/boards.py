"""Models of the shapes that the reference models of MLPerf Tiny have, with random weights."""

from support.tinyml.nets import I8, I32, SCALE, Net
from tinycontainer_endpoints.tinyml.model.enumerations import Builtin
from tinycontainer_endpoints.tinyml.model.graph import Model, Tensor


class Layers(Net):
    """Layers of 8-bit integers, one after the other."""

    def __init__(self, *shape: int) -> None:
        super().__init__(type=I8)
        self.last = self.input(*shape)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensors[self.last].shape

    def weights(self, shape: tuple[int, ...], channels: int, axis: int) -> list[int]:
        """Weights and a bias, with a scale for each channel."""
        scales = tuple(0.002 + 0.0001 * (each % 7) for each in range(channels))
        zeros = (0,) * channels
        count = len(self.tensors)
        size = Tensor(I8, shape).elements
        data = self.chance.randbytes(size)
        self.tensors.append(Tensor(I8, shape, b"w", data, scales, zeros, axis))
        numbers = self.chance.randbytes(channels)
        wide = b"".join(bytes([each, 0, 0, 0]) for each in numbers)
        own = tuple(SCALE * each for each in scales)
        self.tensors.append(Tensor(I32, (channels,), b"b", wide, own, zeros))
        return [count, count + 1]

    def convolve(self, channels: int, rows: int, columns: int, stride: int = 1, **more: int) -> int:
        batch, height, width, depth = self.shape
        parts = self.weights((channels, rows, columns, depth), channels, 0)
        output = self.tensor(batch, -(-height // stride), -(-width // stride), channels)
        options = {"stride_w": stride, "stride_h": stride, "dilation_w": 1, "dilation_h": 1}
        options |= {"activation": 1} | more
        self.last = self.add(Builtin.CONV_2D, [self.last, *parts], output, 3, **options)
        return self.last

    def convolve_by_depth(self, stride: int = 1) -> int:
        batch, height, width, depth = self.shape
        parts = self.weights((1, 3, 3, depth), depth, 3)
        output = self.tensor(batch, -(-height // stride), -(-width // stride), depth)
        options = {"stride_w": stride, "stride_h": stride, "dilation_w": 1, "dilation_h": 1}
        options |= {"depth_multiplier": 1, "activation": 1}
        code = Builtin.DEPTHWISE_CONV_2D
        self.last = self.add(code, [self.last, *parts], output, 3, **options)
        return self.last

    def average(self) -> int:
        batch, height, width, depth = self.shape
        options = {"padding": 1, "stride_w": width, "stride_h": height}
        options |= {"filter_w": width, "filter_h": height}
        output = self.tensor(batch, 1, 1, depth)
        self.last = self.add(Builtin.AVERAGE_POOL_2D, [self.last], output, 2, **options)
        return self.last

    def flatten(self) -> int:
        depth = self.shape[-1]
        shape = self.numbers(-1, depth)
        self.last = self.add(Builtin.RESHAPE, [self.last, shape], self.tensor(1, depth))
        return self.last

    def connect(self, outputs: int, activation: int = 0) -> int:
        parts = self.weights((outputs, self.shape[-1]), 1, 0)
        scale = self.tensors[parts[0]].scales
        size = 4 * outputs
        data = bytes(size)
        own = (SCALE * scale[0],)
        self.tensors[parts[1]] = Tensor(I32, (outputs,), b"b", data, own, (0,))
        output = self.tensor(1, outputs)
        code = Builtin.FULLY_CONNECTED
        self.last = self.add(code, [self.last, *parts], output, 4, activation=activation)
        return self.last

    def classify(self, classes: int) -> Model:
        self.connect(classes)
        output = self.tensor(1, classes, scales=(1 / 256,), zero_points=(-128,))
        return self.model(self.add(Builtin.SOFTMAX, [self.last], output, 2, beta=1.0))


def keyword_spotting() -> Model:
    """A depthwise separable network for 49 frames of 10 features."""
    net = Layers(1, 49, 10, 1)
    net.convolve(64, 10, 4, stride=2)
    for _ in range(4):
        net.convolve_by_depth()
        net.convolve(64, 1, 1)
    net.average()
    net.flatten()
    return net.classify(12)


def image_classification() -> Model:
    """ResNet-8 for images of 32 x 32 x 3."""
    net = Layers(1, 32, 32, 3)
    net.convolve(16, 3, 3)
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        before = net.last
        net.convolve(channels, 3, 3, stride)
        after = net.convolve(channels, 3, 3, activation=0)
        if stride > 1:
            net.last = before
            before = net.convolve(channels, 1, 1, stride, activation=0)
        output = net.tensor(*net.shape)
        net.last = net.add(Builtin.ADD, [after, before], output, 2, activation=1)
    net.average()
    net.flatten()
    return net.classify(10)


def visual_wake_words() -> Model:
    """MobileNetV1 of a quarter's width for images of 96 x 96 x 3."""
    net = Layers(1, 96, 96, 3)
    net.convolve(8, 3, 3, stride=2)
    widths = (16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256)
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    for width, stride in zip(widths, strides, strict=True):
        net.convolve_by_depth(stride)
        net.convolve(width, 1, 1)
    net.average()
    net.flatten()
    return net.classify(2)


def anomaly_detection() -> Model:
    """An autoencoder of dense layers for 640 values."""
    net = Layers(1, 640)
    for width in (128, 128, 128, 128, 8, 128, 128, 128, 128):
        net.connect(width, activation=1)
    return net.model(net.connect(640))


REFERENCES = {
    each.__name__: each
    for each in (keyword_spotting, image_classification, visual_wake_words, anomaly_detection)
}
