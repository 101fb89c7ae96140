"""BD-rate and speed of the H.264 encoder beside x264 (through PyAV), preset by preset.

usage: python benchmarks/h264_encode.py [--frames N] [--presets a,b] CLIP ...

Both encode with a constant QP of 22, 27, 32 and 37, for PSNR, with one thread. BD-rate is against x264 medium, from PSNR
of luma over all frames and the mean SSIM of luma of every fifth; negative is smaller. Speed is thousand macroblocks a
second of CPU time, the median over clips and QP.
"""

import argparse
import io
import statistics
import time
from fractions import Fraction

import av
import numpy as np

import codec
from codec.metrics import ssim
from codec.rd import bd_rate
from codec.sources import clips

QPS = (22, 27, 32, 37)
ANCHOR = ("x264", "medium")


def ours(clip, qp, preset):
    frames = [codec.Frame(planes, clip.chroma, clip.depth, clip.matrix, clip.full_range) for planes in clip.frames]
    return codec.encode_video(frames, fps=clip.fps, qp=qp, preset=preset, tune="psnr", threads=1)


def x264(clip, qp, preset):
    options = {"qp": str(qp), "tune": "psnr", "preset": preset, "threads": "1", "g": "250"}
    frames = [np.concatenate([plane.ravel() for plane in planes]) for planes in clip.frames]
    data = io.BytesIO()
    with av.open(data, "w", format="h264") as output:
        stream = output.add_stream("libx264", rate=Fraction(clip.fps), options=options)
        stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, "yuv420p"
        for samples in frames:
            frame = av.VideoFrame.from_ndarray(samples.reshape(-1, clip.width), format="yuv420p")
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return data.getvalue()


ENCODERS = {"x264": x264, "ours": ours}


def point(clip, encoder, preset, qp):
    """(kbit/s, PSNR-Y, SSIM-Y, kMB/s) of one encoding."""
    start = time.process_time()
    data = ENCODERS[encoder](clip, qp, preset)
    seconds = time.process_time() - start
    decoded = [frame.planes[0] for frame in codec.decode_video(data)]
    assert len(decoded) == len(clip.frames)
    errors = [np.mean((a.astype(float) - b[0]) ** 2) for a, b in zip(decoded, clip.frames)]
    similar = [ssim(b[0], a) for a, b in list(zip(decoded, clip.frames))[::5]]
    count, blocks = len(decoded), clip.width * clip.height / 256
    kbps = len(data) * 8 * float(clip.fps) / count / 1000
    return kbps, 10 * np.log10(255**2 / np.mean(errors)), float(np.mean(similar)), count * blocks / seconds / 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument(
        "--presets", default="ultrafast,superfast,veryfast,faster,fast,medium,slow,slower,veryslow,placebo"
    )
    options = parser.parse_args()
    loaded = [clips.load(path, frames=options.frames) for path in options.clips]
    measure = lambda encoder, preset: [[point(clip, encoder, preset, qp) for qp in QPS] for clip in loaded]
    anchor = measure(*ANCHOR)
    print(f"{'':18}{'PSNR-Y':>9}{'SSIM-Y':>9}{'kMB/s':>9}")
    for preset in options.presets.split(","):
        for encoder in ENCODERS:
            found = anchor if (encoder, preset) == ANCHOR else measure(encoder, preset)
            deltas = [
                statistics.mean(
                    bd_rate([(a[0], a[k]) for a in one], [(b[0], b[k]) for b in other]).value
                    for one, other in zip(anchor, found)
                )
                for k in (1, 2)
            ]
            speed = statistics.median(one[3] for curve in found for one in curve)
            print(f"{encoder + ' ' + preset:18}{deltas[0]:+9.1f}{deltas[1]:+9.1f}{speed:9.1f}", flush=True)


if __name__ == "__main__":
    main()
