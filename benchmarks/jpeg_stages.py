"""JPEG encoding and decoding by stage: ``python benchmarks/jpeg_stages.py [IMAGE ...] [--instructions] [--tree FOLDER]``.

Prints nanoseconds per pixel of CPU-clock samples (Linux's `perf`), or with --instructions how many instructions a pixel
takes (Valgrind's callgrind), which does not depend on what else the machine does. One thread, quality 85, 4:2:0; the
pictures are those of `jpeg_speed.py`, of which callgrind sees the first 304 rows. --tree: another built checkout, such
as an earlier commit. The start of the interpreter and the reading of the pictures are excluded: by callgrind, as the
difference of three calls and one; by perf, where they run in modules of their own.
"""

import argparse
import collections
import os
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
    ("put_|read_|scan_bits|skim_|refine|next_marker|_append|stuff|okens", "entropy coding (F.1.2, F.2.2, Annex G)"),
    ("trellis|count_levels|_rdoq", "choice of levels (trellis)"),
    ("_scan_search|count_first|count_refined|significance|rarest_first|optimal_bits", "search for a scan script"),
    ("_masking|_chroma", "masking, choice of subsampling"),
    ("ssimulacra2|_s2_|_blur9|_xyb", "second look (slopes of SSIMULACRA 2)"),
    ("clear_page|page_fault|memset|memmove", "memory: new pages, copies"),
)
ELSE = "everything else (interpreter, system)"
RUN = """
import sys
import codec
sys.path.append(sys.argv[1])
from jpeg_speed import SAMPLES, mosaic
image = mosaic(sys.argv[5:] or SAMPLES)[: int(sys.argv[4])]
size = image.shape[0] * image.shape[1]
options = dict(quality=85, subsampling="4:2:0", effort=1)
data = codec.encode(image, **{**options, "progressive": sys.argv[2] == "decode progressive"})
jobs = {
    "encode effort 1": lambda: codec.encode(image, **options),
    "encode effort 5": lambda: codec.encode(image, **{**options, "effort": 5}),
    "encode effort 9": lambda: codec.encode(image, **{**options, "effort": 9}),
}
job = jobs.get(sys.argv[2], lambda: codec.decode(data))
for _ in range(int(sys.argv[3])):
    job()
print(size)
"""
TIMES = {
    "encode effort 1": 40,
    "encode effort 5": 8,
    "encode effort 9": 2,
    "decode baseline": 40,
    "decode progressive": 20,
}


def stage_of(library, symbol):
    for pattern, stage in STAGES:
        if re.search(pattern, symbol) and re.match(r"_|lib(c|m)\b|\[kernel", library):
            return stage
    return ELSE


def run(tool, job, times, rows, images, tree):
    """Pixels of the picture, of which a job was run under a tool."""
    command = [sys.executable, "-c", RUN, str(Path(__file__).parent), job, str(times), str(rows), *images]
    paths = os.pathsep.join(filter(None, [str(tree), os.environ.get("PYTHONPATH")]))
    env = os.environ | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    # Not in this folder: the current one would be imported from before `tree`.
    return int(
        subprocess.run(
            [*tool, *command], check=True, capture_output=True, text=True, env=env, cwd=tempfile.gettempdir()
        ).stdout
    )


def nanoseconds(job, images, tree):
    """{stage: nanoseconds per pixel}"""
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder) / "perf.data")
        pixels = run(["perf", "record", "-q", "-e", "cpu-clock", "-o", data], job, TIMES[job], 1 << 30, images, tree)
        report = subprocess.run(
            ["perf", "report", "-i", data, "--no-children", "--sort", "dso,symbol"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    total = int(re.search(r"Event count \(approx\.\): (\d+)", report)[1])
    found = collections.Counter()
    for share, library, symbol in re.findall(r"^\s+([\d.]+)%\s+(\S+)\s+\[.\]\s+(\S+)", report, re.M):
        found[stage_of(library, symbol)] += float(share) / 100 * total / pixels / TIMES[job]
    return found


def instructions(job, images, tree):
    """{stage: instructions per pixel}"""
    found = collections.Counter()
    run([], job, 1, 304, images, tree)  # byte code is written
    for times, weight in ((3, 0.5), (1, -0.5)):
        with tempfile.TemporaryDirectory() as folder:
            data = str(Path(folder) / "callgrind.out")
            pixels = run(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={data}"], job, times, 304, images, tree
            )
            report = subprocess.run(
                ["callgrind_annotate", "--threshold=100", data], check=True, capture_output=True, text=True
            ).stdout
        for count, symbol, library in re.findall(r"^\s*([\d,]+) \(.*?\)\s+\S*:(\S+).*?(?: \[(.*)\])?$", report, re.M):
            found[stage_of(Path(library).name, symbol)] += int(count.replace(",", "")) * weight / pixels
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="*", metavar="IMAGE")
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--tree", type=Path, default=Path(__file__).resolve().parents[1])
    asked = parser.parse_args()
    measure, digits = (instructions, 1) if asked.instructions else (nanoseconds, 2)
    images = [str(Path(image).resolve()) for image in asked.images]
    tables = [measure(job, images, asked.tree.resolve()) for job in TIMES]
    rows = [(stage, [table[stage] for table in tables]) for stage in [*dict.fromkeys(name for _, name in STAGES), ELSE]]
    rows.append(("all", [sum(table.values()) for table in tables]))
    print("| stage | " + " | ".join(TIMES) + " |\n|---" + "|---" * len(TIMES) + "|")
    for stage, counts in rows:
        print(f"| {stage} | " + " | ".join(f"{count:.{digits}f}" for count in counts) + " |")
