"""Rate control of the H.264 encoder: what is asked for, what is reached, and how full the buffer stays.

usage: python benchmarks/h264_rate.py [--frames N] [--preset NAME] [CLIP ...]

Made clips of 96x80 (easy: texture that moves; hard: scrolling text; still: one frame; noisy: a still picture with grain;
noise; mixed: a fifth of each) and CLIPs, repeated to N frames, 25 a second. The buffer is simulated on the bytes of the
stream by tests/h264/encode/leaky_bucket.py, which raises an error if it runs empty; the column is the least that was left
in it, as a part of its size. Rows whose QP is below 1 had nothing more to code.
"""

import argparse
import statistics
import sys
from pathlib import Path

import numpy as np

import codec
from codec.sources import clips

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "h264" / "encode"))
from leaky_bucket import least_fullness  # noqa: E402
from made_clips import moving, noise, text  # noqa: E402

SIZE, FPS = (96, 80), 25
MODES = {
    "one pass": {},
    "two passes": {"passes": 2},
    "one pass, VBV": {"vbv": True},
    "two passes, VBV": {"passes": 2, "vbv": True},
}


def still(width, height, count):
    return np.repeat(moving(width, height, 1), count, axis=0)


def noisy(width, height, count):
    rng, first = np.random.default_rng(5), moving(width, height, 1)[0]
    return np.stack([np.clip(first + rng.normal(0, 6, first.shape), 0, 255).astype(np.uint8) for _ in range(count)])


def mixed(width, height, count):
    return np.concatenate([made(width, height, count // 5) for made in (moving, noisy, text, still, noise)])


MADE = {"easy": moving, "hard": text, "still": still, "noisy": noisy, "noise": noise, "mixed": mixed}


def read(path, count):
    clip = clips.load(path)
    frames = [codec.Frame(planes, clip.chroma, clip.depth, clip.matrix, clip.full_range) for planes in clip.frames]
    return [frames[i % len(frames)] for i in range(count)]


def row(frames, bitrate, mode, preset):
    """One line of the table."""
    options = dict(MODES[mode])
    buffer = "-"
    if options.pop("vbv", None):
        options |= {"vbv_maxrate": 1.2 * bitrate, "vbv_bufsize": bitrate}
    video = codec.h264.encode_frames(frames, fps=FPS, preset=preset, bitrate=bitrate, metrics="psnr", **options)
    if "vbv_bufsize" in options:
        buffer = f"{100 * least_fullness(video.data) / bitrate:.0f} %"
    qps = [picture.qp for picture in video]
    return (
        f"{mode} | {bitrate // 1000} | {video.kbps:.1f} | {100 * (video.kbps * 1000 / bitrate - 1):+.2f} % | "
        f"{statistics.mean(qps):.1f} ± {statistics.pstdev(qps):.1f} | {video.psnr[0]:.2f} | {buffer}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--preset", default="superfast")
    options = parser.parse_args()
    sources = {name: (made(*SIZE, options.frames), 50_000) for name, made in MADE.items()}
    for path in options.clips:
        frames = read(path, options.frames)
        rate = frames[0].width * frames[0].height
        sources[Path(path).name.partition(".")[0]] = frames, 3 * rate
    print("| clip | mode | target, kbit/s | reached | error | QP | PSNR-Y, dB | least in the buffer |")
    print("|---|---|---|---|---|---|---|---|")
    for name, (frames, bitrate) in sources.items():
        for mode in MODES:
            print(f"| {name} | {row(frames, bitrate, mode, options.preset)} |", flush=True)


if __name__ == "__main__":
    main()
