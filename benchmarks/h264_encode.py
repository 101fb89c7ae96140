"""BD-rate and speed of the H.264 encoder beside x264 (through PyAV), preset by preset.

usage: python benchmarks/h264_encode.py [--frames N] [--presets a,b] [--crf] [--tune psnr|ssim|fastdecode|none] CLIP ...

Both encode with a constant QP of 22, 27, 32 and 37, or with a CRF of 20, 25, 30 and 35, for PSNR by default
(fastdecode: for PSNR too), with one thread. CLIP: a path, or the name of a clip made here: slides, scroll, noise, fade,
cuts, still. BD-rate is against x264 medium, from PSNR of luma over all frames and the mean SSIM of luma;
negative is smaller. Speed is thousand macroblocks a second of CPU time, the median over clips and QP. The last columns
are the rates at each QP or CRF against those of x264 medium, in percent: the least and the largest of the clips.
"""

import argparse
import io
import statistics
import time
from collections import namedtuple
from fractions import Fraction

import av
import numpy as np

import codec
from codec.metrics import ssim
from codec.rd import bd_rate
from codec.sources import clips

QPS = {"qp": (22, 27, 32, 37), "crf": (20, 25, 30, 35)}
ANCHOR = ("x264", "medium")
WIDTH, HEIGHT = 352, 288
Clip = namedtuple("Clip", "width height fps chroma depth matrix full_range frames")


# ---------------------------------------------------------------- clips


def page(rng):
    """Lines of dark text-like marks on a light page."""
    picture = np.full((HEIGHT, WIDTH), 235.0)
    glyphs = rng.random((40, 7, 5)) < 0.45
    for y in range(12, HEIGHT - 16, 12):
        for x in range(12, int(rng.integers(WIDTH // 2, WIDTH - 12)), 6):
            if rng.random() < 0.85:
                picture[y : y + 7, x : x + 5] -= 200 * glyphs[rng.integers(40)]
    return picture


def slides(rng, count):
    """A page every 25 frames; one slides in; a small mark moves."""
    pages = [page(rng) for _ in range(count // 25 + 2)]
    for i in range(count):
        picture = pages[i // 25].copy()
        if i // 25 == 1 and i % 25 < 16:
            picture = np.concatenate([pages[0], pages[1]], axis=1)[:, 22 * (i % 25) : 22 * (i % 25) + WIDTH]
        x = 20 + 4 * i % (WIDTH - 60)
        picture[100:116, x : x + 10] = 40
        yield picture


def scroll(rng, count):
    """A page under a bar, scrolled by 53 lines every five frames."""
    pages = np.concatenate([page(rng) for _ in range(count // 25 + 2)])
    for i in range(count):
        picture = pages[53 * (i // 5) :][:HEIGHT].copy()
        picture[:24] = 60
        yield picture


def texture(rng, height=HEIGHT, width=WIDTH):
    """Octaves of smooth noise, as of a landscape."""
    picture = np.full((height, width), 128.0)
    for scale, weight in ((64, 50), (32, 30), (16, 18), (8, 12), (4, 7), (2, 4)):
        coarse = rng.normal(0, weight, (height // scale + 3, width // scale + 3))
        y, x = np.arange(height) / scale, np.arange(width) / scale
        r, c, fy, fx = y.astype(int)[:, None], x.astype(int)[None], (y % 1)[:, None], (x % 1)[None]
        picture += (1 - fy) * ((1 - fx) * coarse[r, c] + fx * coarse[r, c + 1])
        picture += fy * ((1 - fx) * coarse[r + 1, c] + fx * coarse[r + 1, c + 1])
    return picture


def panned(rng, count, dx=2, dy=1):
    wide = texture(rng, HEIGHT + dy * count, WIDTH + dx * count)
    return [wide[dy * i : dy * i + HEIGHT, dx * i : dx * i + WIDTH] for i in range(count)]


def noise(rng, count):
    """A pan under noise, as of film at night."""
    return (picture + rng.normal(0, 8, picture.shape) for picture in panned(rng, count, 1, 0))


def fade(rng, count):
    """A pan that fades in from black and out again."""
    return (16 + (picture - 16) * min(i, count - 1 - i, 24) / 24 for i, picture in enumerate(panned(rng, count)))


def cuts(rng, count):
    """A new scene every 15 to 30 frames, some of them the one before, and a flash."""
    found, scenes = [], [texture(rng, HEIGHT + 64, WIDTH + 64) for _ in range(3)]
    while len(found) < count:
        scene = scenes[int(rng.integers(3))]
        found += [scene[k : k + HEIGHT, 2 * k : 2 * k + WIDTH] for k in range(int(rng.integers(15, 30)))]
    found[count // 2] = found[count // 2] / 4 + 180
    return found[:count]


def still(rng, count):
    """One picture, with a square that blinks."""
    picture = texture(rng)
    for i in range(count):
        shown = picture.copy()
        shown[40:56, 40:56] = 200 if i // 8 % 2 else 60
        yield shown


MADE = {function.__name__: function for function in (slides, scroll, noise, fade, cuts, still)}


def loaded(name, frames):
    """A clip from a file, or made here: luma, with chroma that follows it at a quarter of its contrast."""
    if name not in MADE:
        return clips.load(name, frames=frames)
    found = []
    for picture in MADE[name](np.random.default_rng(0), frames):
        luma = np.clip(np.round(picture), 16, 235)
        small = luma.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean(axis=(1, 3))
        found.append([luma, 128 + (small - 128) / 4, 128 - (small - 128) / 4])
    planes = [tuple(np.round(plane).astype(np.uint8) for plane in frame) for frame in found]
    return Clip(WIDTH, HEIGHT, Fraction(25), "4:2:0", 8, "BT.601", False, planes)


# ---------------------------------------------------------------- encoders


def ours(clip, quality, preset, tune):
    frames = [codec.Frame(planes, clip.chroma, clip.depth, clip.matrix, clip.full_range) for planes in clip.frames]
    return codec.encode_video(frames, fps=clip.fps, preset=preset, tune=tune, threads=1, **quality)


def x264(clip, quality, preset, tune):
    options = {"preset": preset, "threads": "1", "g": "250", **{name: str(value) for name, value in quality.items()}}
    if tune:
        options["tune"] = "fastdecode,psnr" if tune == "fastdecode" else tune
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


def point(clip, encoder, preset, tune, quality):
    """(kbit/s, PSNR-Y, SSIM-Y, kMB/s) of one encoding."""
    start = time.process_time()
    data = ENCODERS[encoder](clip, quality, preset, tune)
    seconds = time.process_time() - start
    decoded = [frame.planes[0] for frame in codec.decode_video(data)]
    assert len(decoded) == len(clip.frames)
    errors = [np.mean((a.astype(float) - b[0]) ** 2) for a, b in zip(decoded, clip.frames)]
    similar = [ssim(b[0], a) for a, b in zip(decoded, clip.frames)]
    count, blocks = len(decoded), clip.width * clip.height / 256
    kbps = len(data) * 8 * float(clip.fps) / count / 1000
    return kbps, 10 * np.log10(255**2 / np.mean(errors)), float(np.mean(similar)), count * blocks / seconds / 1000


def rates(anchor, found):
    """The rates of `found` against those of `anchor` at each QP or CRF: the least and the largest of the clips."""
    ratios = [[100 * (b[0] / a[0] - 1) for a, b in zip(one, other)] for one, other in zip(anchor, found)]
    return ", ".join(f"{min(column):+.0f} to {max(column):+.0f}" for column in zip(*ratios))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument(
        "--presets", default="ultrafast,superfast,veryfast,faster,fast,medium,slow,slower,veryslow,placebo"
    )
    parser.add_argument("--crf", action="store_true", help="constant quality in place of constant QP")
    parser.add_argument("--tune", default="psnr", choices=("psnr", "ssim", "fastdecode", "none"))
    options = parser.parse_args()
    tune, name = None if options.tune == "none" else options.tune, "crf" if options.crf else "qp"
    sources = [loaded(clip, options.frames) for clip in options.clips]
    measure = lambda encoder, preset: [
        [point(clip, encoder, preset, tune, {name: value}) for value in QPS[name]] for clip in sources
    ]
    anchor = measure(*ANCHOR)
    print(f"{'':18}{'PSNR-Y':>9}{'SSIM-Y':>9}{'kMB/s':>9}  rates at {name.upper()} {', '.join(map(str, QPS[name]))}")
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
            print(
                f"{encoder + ' ' + preset:18}{deltas[0]:+9.1f}{deltas[1]:+9.1f}{speed:9.1f}  {rates(anchor, found)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
