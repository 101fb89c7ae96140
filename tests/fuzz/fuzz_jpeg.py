"""Coverage-guided fuzzing of everything that reads JPEG: `make fuzz FUZZ_SECONDS=600`.

hostile.judge decides what must hold, as in tests/robustness.
"""

import os
import random
from pathlib import Path

import harness
from harness import atheris

with atheris.instrument_imports(include=["codec"]):
    import hostile


MAX_BYTES = 4096


def split(data):
    """Pieces of a file: marker segments, and the data between them."""
    pieces, at = [], 0
    while at < len(data):
        end = data.find(b"\xff", at + 1)
        while 0 < end < len(data) - 1 and data[end + 1] in (0, 0xFF, *range(0xD0, 0xD8)):
            end = data.find(b"\xff", end + 1)
        end = end if end > 0 else len(data)
        if at + 4 <= end and data[at] == 0xFF and not 0xD0 <= data[at + 1] <= 0xD9:
            end = max(
                end if data[at + 1] == 0xDA else 0,
                min(len(data), at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")),
            )
        pieces.append(data[at:end])
        at = end
    return pieces


def mutate(data, max_size, seed):
    """Half the time libFuzzer's mutations; otherwise segments are duplicated, dropped, swapped
    or given a valid length."""
    rng = random.Random(seed)
    if rng.random() < 0.5 or len(data) < 8:
        return atheris.Mutate(data, max_size)
    pieces = split(bytes(data))
    i, j = rng.randrange(len(pieces)), rng.randrange(len(pieces))
    kind = rng.randrange(4)
    if kind == 0:
        pieces.insert(j, pieces[i])
    elif kind == 1:
        del pieces[i]
    elif kind == 2:
        pieces[i], pieces[j] = pieces[j], pieces[i]
    elif len(pieces[i]) > 4:
        body = atheris.Mutate(pieces[i][4:], MAX_BYTES)
        length = (len(body) + 2 & 0xFFFF).to_bytes(2, "big") if pieces[i][1] != 0xDA else pieces[i][2:4]
        pieces[i] = pieces[i][:2] + length + body
    return b"".join(pieces)[:max_size]


def fill(corpus):
    """Start from the seeds of the robustness tests, and from files found by other decoders' fuzzers if present."""
    for name, data in hostile.seeds().items():
        (corpus / name).write_bytes(data)
    for path in Path(os.environ.get("CODEC_TEST_DATA", "")).glob("jpeg/fuzz-seeds/*"):
        if path.stat().st_size <= MAX_BYTES:
            (corpus / path.name).write_bytes(path.read_bytes())


if __name__ == "__main__":
    harness.run(
        "jpeg", __doc__.splitlines()[0], hostile.judge, mutate, fill, max_bytes=MAX_BYTES, dictionary="jpeg.dict"
    )
