"""Makes the models of the examples again, and the data sections and recordings that go with them.

    PYTHONPATH=tests python -m support.tinyml.training

It needs numpy, as both inference runtimes do. What it makes is committed.
"""

import struct
from pathlib import Path

import numpy as np

from support.tinyml.training.layers import F32, I8
from support.tinyml.training.recipes import (
    LABELS,
    STEPS_PER_UNIT,
    WORD_STEPS,
    autoencoder,
    keywords,
    sine,
    utterances,
)
from tinycontainer_endpoints.tinyml.model.encoding import encode_model

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"
RANGES = ((-60, 60), (275_150, 281_150), (0, 800))
"""Lowest and highest value of orientation in degrees, temperature in mK, humidity in permille."""
THRESHOLD = 900
"""Squared error of a channel's window, in steps, from which on it is an alarm."""
SPOKEN = ("yes", "stop", "left", "silence", "go")
FRAME_MS = 20
PAUSE_FRAMES = 51


def main() -> None:
    """Train everything and write it."""
    models = EXAMPLES / "models"
    models.mkdir(exist_ok=True)
    made = {"sine": sine(), "autoencoder": autoencoder(), "keywords": keywords()}
    for name, trained in made.items():
        for kind, word in ((F32, "float"), (I8, "int8")):
            if (name, kind) != ("keywords", F32):  # too large for the default quota
                content = encode_model(trained.model(kind), names=True)
                (models / f"{name}-{word}.tflite").write_bytes(content)
    box = EXAMPLES / "smartdronebox" / "compliance"
    _write_compliance((models / "autoencoder-int8.tflite").read_bytes())
    _copy(models / "autoencoder-int8.tflite", box / "autoencoder.tflite")
    _copy(models / "sine-int8.tflite", EXAMPLES / "sine" / "sine" / "sine.tflite")
    spotter = EXAMPLES / "keyword_spotter"
    labels = b"".join(label.encode().ljust(8, b"\0") for label in LABELS)
    model = (models / "keywords-int8.tflite").read_bytes()
    (spotter / "spotter" / "spotter.data").write_bytes(labels + model)
    _write_recording(spotter / "recordings" / "microphone.csv")


def _copy(model: Path, to: Path) -> None:
    to.write_bytes(model.read_bytes())


def _write_compliance(model: bytes) -> None:
    """Ranges; middle and half width of each channel's normal range; the threshold; the model."""
    numbers = [number for pair in RANGES for number in pair]
    for low, high in (*RANGES, (-3000, 3000)):
        numbers += [(low + high) // 2, (high - low) // 2]
    numbers += [STEPS_PER_UNIT, THRESHOLD, len(model)]
    data = struct.pack(f"<{len(numbers)}i", *numbers) + model
    (EXAMPLES / "smartdronebox" / "compliance" / "compliance.data").write_bytes(data)


def _write_recording(path: Path) -> None:
    """A second of sound for each word, as rows of coefficients, with pauses between them."""
    chance = np.random.default_rng(11)
    labels = np.array([LABELS.index(word) for word in SPOKEN])
    sounds = np.round(utterances(chance, labels)[..., 0] * WORD_STEPS).astype(int)
    rows = ["time_ms,spoken," + ",".join(f"c{number}" for number in range(sounds.shape[2]))]
    time_ms = 0
    for sound in sounds:
        for _ in range(PAUSE_FRAMES):
            rows.append(f"{time_ms},0" + ",0" * sounds.shape[2])
            time_ms += FRAME_MS
        for frame in sound:
            rows.append(f"{time_ms},1," + ",".join(map(str, frame)))
            time_ms += FRAME_MS
    rows.append(f"{time_ms},0" + ",0" * sounds.shape[2])
    path.write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
