"""The same bytes everywhere: SHA-256 of files and of decoded pixels, for pictures made with integer arithmetic.

Regenerate after a change that alters them on purpose:  python tests/jpeg/test_golden.py
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import codec

MANIFEST = Path(__file__).with_name("golden.json")

# name -> (height, width, channels, options)
CASES = {
    "gray, defaults": (61, 83, 1, {}),
    "colour, defaults": (61, 83, 3, {}),
    "colour, fixed tables": (61, 83, 3, dict(effort=1)),
    "colour, optimised tables": (61, 83, 3, dict(effort=3)),
    "colour, progressive with fixed effort": (61, 83, 3, dict(effort=1, progressive=True)),
    "colour, 4:2:2": (61, 83, 3, dict(subsampling="4:2:2")),
    "colour, 4:4:0": (61, 83, 3, dict(subsampling="4:4:0")),
    "colour, 4:4:4": (61, 83, 3, dict(subsampling="4:4:4")),
    "colour, quality 1": (61, 83, 3, dict(quality=1)),
    "colour, quality 100": (61, 83, 3, dict(quality=100)),
    "rgb": (61, 83, 3, dict(color="rgb")),
    "cmyk": (61, 83, 4, dict(color="cmyk")),
    "ycck": (61, 83, 4, dict(color="ycck", subsampling="4:2:0")),
    "restart intervals": (61, 83, 3, dict(effort=1, restart_interval=3)),
    "restart intervals, progressive": (61, 83, 3, dict(restart_interval=3)),
    "one pixel": (1, 1, 3, {}),
    "one row": (1, 300, 3, {}),
    "one column": (300, 1, 3, {}),
    "large": (512, 768, 3, {}),
    "arithmetic": (61, 83, 3, dict(coding="arithmetic", effort=3, restart_interval=7)),
    "arithmetic, progressive": (61, 83, 3, dict(coding="arithmetic")),
    "lossless": (61, 83, 3, "lossless"),
    "lossless, 16 bits": (61, 83, 1, "lossless"),
}


def procedural(height, width, channels):
    """Slopes, squares, an edge and LCG noise: 32-bit integers only, so equal on every machine."""
    y, x = np.mgrid[:height, :width]
    noise = (np.arange(height * width, dtype=np.uint64) * 2654435761 % 2**32 * 1103515245 + 12345) % 2**32 >> 27
    layers = [
        (
            x * (2 + c)
            + y * y // 40
            + (x // 11 * 37 + y // 7 * (53 + c)) % 97
            + np.where(x * 3 > y * (2 + c), 60, 0)
            + noise.reshape(height, width).astype(int)
        )
        % 256
        for c in range(channels)
    ]
    pixels = np.stack(layers, -1).astype(np.uint8)
    return pixels[..., 0] if channels == 1 else pixels


def digests(name):
    height, width, channels, options = CASES[name]
    image = procedural(height, width, channels)
    if options == "lossless":
        data = codec.jpeg.encode_lossless(
            image.astype(np.uint16) * 251 if channels == 1 else image, restart_rows=20
        ).data
    else:
        data = codec.encode(image, **options)
    pixels = codec.decode(data)
    return {
        "bytes": len(data),
        "file": hashlib.sha256(data).hexdigest(),
        "pixels": hashlib.sha256(pixels.tobytes()).hexdigest(),
    }


@pytest.mark.parametrize("level", sorted({"scalar", codec.cpu.detected()}))
@pytest.mark.parametrize("name", CASES)
def test_bytes_are_the_same_everywhere(name, level):
    with codec.cpu.force(level):
        assert digests(name) == json.loads(MANIFEST.read_text())[name]


def test_the_manifest_holds_these_cases():
    assert list(json.loads(MANIFEST.read_text())) == list(CASES)


if __name__ == "__main__":
    MANIFEST.write_text(json.dumps({name: digests(name) for name in CASES}, indent=1) + "\n")
