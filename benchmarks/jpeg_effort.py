"""The effort ladder and the peers, MP/s over BD-rate: prints the table of docs/effort.md and draws docs/effort.svg.

usage: python benchmarks/jpeg_effort.py FOLDER [--quality 30,50,70,80,90] [--times 3]

One thread. Speeds are wall time, the least of several runs.
"""

import argparse
import pathlib
from dataclasses import replace

from codec import rd

DOCS = pathlib.Path(__file__).resolve().parents[1] / "docs"
CODECS = (
    "jpeg:effort=1/2/3/4/5/6/7/8/9,subsampling=4:2:0",
    "libjpeg-turbo:progressive=true",
    "simplejpeg",
    "mozjpeg",
    "jpegli",
)
ANCHOR = "libjpeg-turbo"
METRICS = ("ssimulacra2", "psnr")


def measured(pictures, quality, times):
    """Rows with the least encoding time of several sweeps."""
    first, *others = (
        list(rd.sweep(pictures, codecs=CODECS, quality=quality, metrics=names, memory=False))
        for names in [METRICS, *[("psnr",)] * (times - 1)]
    )
    return [
        replace(rows[0], encode_seconds=min(row.encode_seconds for row in rows))
        for rows in zip(first, *others, strict=True)
    ]


def speeds(points, metric):
    return rd.speeds(points, metric, ANCHOR)


def draw(points):
    rd.plot_speed(speeds(points, METRICS[0]), DOCS / "effort.svg", metric=METRICS[0], anchor=ANCHOR)


def table(points):
    """Markdown: a row per family; bold if no other family beats it in both speed and SSIMULACRA 2."""
    by_metric = [speeds(points, metric) for metric in METRICS]
    lines = ["| | MP/s | BD-rate, SSIMULACRA 2 | BD-rate, PSNR |", "|---|---|---|---|"]
    for first, second in zip(*by_metric):
        name = f"**{first.family}**" if first.front else first.family
        lines.append(
            f"| {name} | {first.encode_mpixels_per_second:.1f} | {first.bd_rate:+.2f} % | {second.bd_rate:+.2f} % |"
        )
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--quality", default="30,50,70,80,90", type=lambda text: tuple(map(int, text.split(","))))
    parser.add_argument("--times", default=3, type=int)
    arguments = parser.parse_args()
    points = measured(
        sorted(map(str, pathlib.Path(arguments.folder).glob("*.png"))), arguments.quality, arguments.times
    )
    draw(points)
    print(table(points), end="")


if __name__ == "__main__":
    main()
