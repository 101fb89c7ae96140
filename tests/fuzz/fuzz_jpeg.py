"""Coverage-guided fuzzing of everything that reads JPEG: `make fuzz FUZZ_SECONDS=600`.

Atheris brings libFuzzer; coverage comes from the Python code (Atheris' own instrumentation) and from the compiled kernels (coverage.c),
which also run with AddressSanitizer, UndefinedBehaviorSanitizer, bounds checks and asserts. What must hold is hostile.judge, the same
as in tests/robustness. Inputs that break it are written to crashes/, what was learnt stays in corpus/ for the next run.
"""
import argparse
import os
import random
import sys
from pathlib import Path

try:
    import atheris
    import atheris.core_with_libfuzzer as core
except ImportError as problem:
    sys.exit(f"fuzzing needs Atheris, which has no build for this Python or system ({problem}); tests/robustness runs everywhere")

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "robustness"))
os.environ["CODEC_FUZZ_CORE"] = core.__file__           # read by coverage.c when the extensions are loaded

with atheris.instrument_imports(include=["codec"]):
    import codec.jpeg
    import codec.jpeg.decode
    import codec.jpeg.inspect

    import hostile

MAX_BYTES = 4096


def split(data):
    """Pieces of a file: marker segments, and what lies between them."""
    pieces, at = [], 0
    while at < len(data):
        end = data.find(b"\xff", at + 1)
        while 0 < end < len(data) - 1 and data[end + 1] in (0, 0xFF, *range(0xD0, 0xD8)):
            end = data.find(b"\xff", end + 1)
        end = end if end > 0 else len(data)
        if at + 4 <= end and data[at] == 0xFF and not 0xD0 <= data[at + 1] <= 0xD9:
            end = max(end if data[at + 1] == 0xDA else 0, min(len(data), at + 2 + int.from_bytes(data[at + 2:at + 4], "big")))
        pieces.append(data[at:end])
        at = end
    return pieces


def mutate(data, max_size, seed):
    """Half of the time libFuzzer's own mutations; else segments are doubled, dropped, swapped or given a length that fits."""
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


def judge(data):
    hostile.judge(data)             # Atheris wants None


def fill(corpus):
    """Start from the seeds of the robustness tests, and the files that other decoders' fuzzers found, where they are."""
    corpus.mkdir(parents=True, exist_ok=True)
    for name, data in hostile.seeds().items():
        (corpus / name).write_bytes(data)
    for path in Path(os.environ.get("CODEC_TEST_DATA", "")).glob("jpeg/fuzz-seeds/*"):
        if path.stat().st_size <= MAX_BYTES:
            (corpus / path.name).write_bytes(path.read_bytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("files", nargs="*", help="inputs to judge once, instead of fuzzing: crashes/...")
    arguments = parser.parse_args()
    if arguments.files:
        for name in arguments.files:
            hostile.judge(Path(name).read_bytes())
        return
    corpus, crashes = Path("corpus"), Path("crashes")
    crashes.mkdir(exist_ok=True)
    fill(corpus)
    atheris.Setup([sys.argv[0], str(corpus), f"-max_total_time={arguments.seconds}", f"-max_len={MAX_BYTES}", f"-dict={HERE / 'jpeg.dict'}",
                   f"-artifact_prefix={crashes}/", "-timeout=20", "-rss_limit_mb=4096", "-print_final_stats=1", "-print_pcs=0", "-reload=0", "-len_control=0"],
                  judge, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
