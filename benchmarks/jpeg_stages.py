"""Time of JPEG encoding and decoding by stage: ``python benchmarks/jpeg_stages.py [IMAGE ...]``; needs Linux's `perf`.

Nanoseconds per pixel of CPU-clock samples, one thread, quality 85, 4:2:0; the pictures are those of `jpeg_speed.py`.
The start of the interpreter and the reading of the pictures are excluded where they run in modules of their own.
"""

import collections
import re
import subprocess
import sys
import tempfile
from pathlib import Path

STAGES = (
    ("rgb_to_ycc|ycc_to_rgb", "colour (T.871)"),
    ("downsample|upsample|pair_rows|pair_columns|convert_row", "down- and upsampling"),
    ("fdct|idct", "transform (A.3.3)"),
    ("quantize|transform_blocks|touches|dering", "quantization (A.3.4), dering"),
    ("put_|read_|skim_|refine|end_segment|unstuff|tokens|Tokens", "entropy coding (F.1.2, F.2.2, Annex G)"),
    ("trellis|count_levels", "choice of levels (trellis)"),
    ("_scan_search|count_first|count_refined|significance", "search for a scan script"),
    ("_masking|_chroma", "masking, choice of subsampling"),
    ("clear_page|page_fault|memset|memmove", "memory: new pages, copies"),
)
RUN = """
import sys
sys.path.insert(0, sys.argv[1])
from jpeg_speed import SAMPLES, mosaic
import codec
image = mosaic(sys.argv[4:] or SAMPLES)
size = image.shape[0] * image.shape[1]
options = dict(quality=85, subsampling="4:2:0", effort=1)
data = codec.encode(image, **{**options, "progressive": sys.argv[2] == "decode progressive"})
jobs = {
    "encode effort 1": lambda: codec.encode(image, **options),
    "encode effort 5": lambda: codec.encode(image, **{**options, "effort": 5}),
}
job = jobs.get(sys.argv[2], lambda: codec.decode(data))
for _ in range(int(sys.argv[3])):
    job()
print(size)
"""
JOBS = {"encode effort 1": 40, "encode effort 5": 8, "decode baseline": 40, "decode progressive": 20}


def stage_of(library, symbol):
    for pattern, stage in STAGES:
        if re.search(pattern, symbol) and re.match(r"_|lib(c|m)\b|\[kernel", library):
            return stage
    return "everything else (interpreter, its start, system)"


def profile(job, images):
    """(pixels of all runs, nanoseconds, {stage: share})"""
    with tempfile.TemporaryDirectory() as folder:
        data, times = str(Path(folder) / "perf.data"), JOBS[job]
        command = [sys.executable, "-c", RUN, str(Path(__file__).parent), job, str(times), *images]
        run = subprocess.run(
            ["perf", "record", "-q", "-e", "cpu-clock", "-o", data, *command],
            check=True,
            capture_output=True,
            text=True,
        )
        report = subprocess.run(
            ["perf", "report", "-i", data, "--no-children", "--sort", "dso,symbol"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    shares = collections.Counter()
    for share, library, symbol in re.findall(r"^\s+([\d.]+)%\s+(\S+)\s+\[.\]\s+(\S+)", report, re.M):
        shares[stage_of(library, symbol)] += float(share) / 100
    return times * int(run.stdout), int(re.search(r"Event count \(approx\.\): (\d+)", report)[1]), shares


if __name__ == "__main__":
    tables = {job: profile(job, sys.argv[1:]) for job in JOBS}
    print("| stage | " + " | ".join(JOBS) + " |\n|---" + "|---" * len(JOBS) + "|")
    for stage in [*dict.fromkeys(stage for _, stage in STAGES), "everything else (interpreter, its start, system)"]:
        cells = [f"{shares[stage] * total / pixels:.2f}" for pixels, total, shares in tables.values()]
        print(f"| {stage} | " + " | ".join(cells) + " |")
