"""The model of the conformance case about states: SVDF that adds up its last four inputs.

cd tests; python -m support.tinyml.summing_model ../specs/conformance/containers/sum.tflite
"""

import struct
import sys
from pathlib import Path

from support.tinyml.nets import F32, Net
from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.model.enumerations import Builtin
from tinycontainer_endpoints.tinyml.model.graph import Tensor


def make_summing_model() -> bytes:
    """The model as a file."""
    net = Net()
    inputs = [net.input(1, 1)]
    for count in (1, 4):
        net.tensors.append(Tensor(F32, (1, count), b"w", struct.pack("<f", 1) * count))
        inputs.append(len(net.tensors) - 1)
    inputs += [-1, net.variable(1, 4)]
    output = net.add(Builtin.SVDF, inputs, net.tensor(1, 1), rank=1)
    return encode_model(net.model(output), names=True)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(make_summing_model())
