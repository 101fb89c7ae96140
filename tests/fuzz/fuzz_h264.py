"""Coverage-guided fuzzing of everything that reads H.264: `make fuzz FUZZ_TARGET=h264 FUZZ_SECONDS=600`.

hostile_video.judge decides what must hold, as in tests/robustness.
"""

import os
import random
from pathlib import Path

import harness
from harness import atheris

with atheris.instrument_imports(include=["codec"]):
    import crafted_h264 as crafted
    import hostile_video


MAX_BYTES = 4096
SEEDS = 200


def mutate(data, max_size, seed):
    """libFuzzer's mutations, changed bits and NAL units, or a new stream with valid headers,
    which those do not reach."""
    kind = random.Random(seed).random()
    if kind < 0.4 or len(data) < 8:
        return atheris.Mutate(data, max_size)
    made = hostile_video.mutated(bytes(data), seed) if kind < 0.9 else hostile_video.hostile_stream(seed, pictures=3)
    return made[:max_size]


def fill(corpus):
    """Start from crafted and hostile streams, and from small streams of the suites if present."""
    (corpus / "crafted").write_bytes(crafted.clip(2).data)
    for seed in range(SEEDS):
        data = hostile_video.hostile_stream(seed, pictures=3)
        if len(data) <= MAX_BYTES:
            (corpus / f"hostile-{seed}").write_bytes(data)
    for path in Path(os.environ.get("CODEC_TEST_DATA", "")).glob("h264/*/*"):
        if path.stat().st_size <= MAX_BYTES:
            (corpus / path.name).write_bytes(path.read_bytes())


if __name__ == "__main__":
    harness.run("h264", __doc__.splitlines()[0], hostile_video.judge, mutate, fill, max_bytes=MAX_BYTES)
