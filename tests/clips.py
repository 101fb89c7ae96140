"""Small synthetic clips, and their YUV4MPEG2 files."""

from fractions import Fraction

import numpy as np

from codec.frame import Video


def clip(frames=8, height=48, width=64, chroma="4:2:0", depth=8, fps=Fraction(25), **more):
    """A texture that moves by (1, 2) samples per frame, the same in every run; colours move with it."""
    rng = np.random.default_rng(5)
    texture = rng.integers(0, 256, (3, height + frames, width + 2 * frames)).astype(float)
    for axis in (1, 2):
        for _ in range(3):
            texture = (texture + np.roll(texture, 1, axis) + np.roll(texture, -1, axis)) / 3
    texture = np.clip((texture - 128) * 3 + 128, 20, 230) * (1 << (depth - 8))
    dtype = np.uint8 if depth == 8 else np.uint16
    shown = []
    for t in range(frames):
        planes = texture[:, t : t + height, 2 * t : 2 * t + width].round().astype(dtype)
        shapes = Video.plane_shapes(height, width, chroma)
        down, across = -(-height // shapes[-1][0]), -(-width // shapes[-1][1])
        shown.append((planes[0], *(plane[::down, ::across] for plane in planes[1 : len(shapes)])))
    return Video(tuple(shown), chroma, fps, depth, **more)


def y4m(video, tag=None, more=""):
    """Bytes of a YUV4MPEG2 file."""
    if tag is None:
        name = "mono" if video.chroma == "4:0:0" else video.chroma.replace(":", "")
        tag = name + ("" if video.depth == 8 else ("" if name == "mono" else "p") + str(video.depth))
    head = (
        f"YUV4MPEG2 W{video.width} H{video.height} F{video.fps.numerator}:{video.fps.denominator} "
        f"Ip A1:1 C{tag}{more}\n"
    ).encode()
    return head + b"".join(
        b"FRAME\n" + b"".join(plane.astype(plane.dtype.newbyteorder("<")).tobytes() for plane in planes)
        for planes in video.frames
    )


def equal(a, b):
    """Whether two clips are equal in every sample and field."""
    fields = all(getattr(a, name) == getattr(b, name) for name in ("chroma", "depth", "fps", "matrix", "full_range"))
    return (
        fields
        and len(a.frames) == len(b.frames)
        and all(np.array_equal(x, y) for p, q in zip(a.frames, b.frames) for x, y in zip(p, q))
    )


def samples(frame):
    """Samples of a decoded frame, plane after plane."""
    return b"".join(np.ascontiguousarray(plane).tobytes() for plane in frame.planes)
