"""Where this package reads files differently from Pillow and FFmpeg (through PyAV).

usage: python benchmarks/disagreements.py [--json FILE] PATH ...

PATH is a file or a folder, searched recursively. Pictures are compared with Pillow, animated GIF, APNG and WebP with
Pillow and FFmpeg, H.264 clips with FFmpeg, frame by frame: number, size, times and samples. A disagreement is not yet a
fault of either side: docs say where peers are known to be wrong (Pillow and uncovered areas of GIF, FFmpeg and damage).
Flags of ours (warnings, damage) are shown beside it: what is neither equal nor flagged deserves a look.

Requires the extra `video`, and Pillow.
"""

import argparse
import io
import json
import sys
import warnings
from itertools import zip_longest
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageOps, ImageSequence

import codec
from codec.formats import animation, pictures

PICTURES = pictures.READABLE_SUFFIXES
MOVING = (".gif", ".png", ".apng", ".webp")
TIME = 0.0006  # s; times of containers are rounded to milliseconds


def shown(rgba):
    """RGBA without the colours of transparent pixels, which nobody sees."""
    rgba = np.array(rgba)
    rgba[rgba[..., 3] == 0] = 0
    return rgba


def of_pillow(image):
    """A Pillow picture as RGBA; samples of 16 bits are rounded, which `convert` would clip."""
    if image.mode.startswith("I"):
        gray = np.asarray(image).astype(np.int64)
        image = Image.fromarray(((gray * 255 + 32767) // 65535).astype(np.uint8))
    return shown(image.convert("RGBA"))


class Kept(list):
    """Frames (samples, seconds or None), and what was said about them."""

    def __init__(self, frames=(), said=()):
        super().__init__(frames)
        self.said = list(said)


def picture_ours(path):
    picture = pictures.load(path, alpha=True)
    if picture.pixels.ndim == 3 and picture.pixels.shape[2] == 4:  # CMYK
        return Kept([(pictures.upright(picture.pixels, pictures.orientation(picture.metadata.exif)), None)])
    return Kept([(shown(pictures.rgba(picture)), None)], picture.warnings)


def picture_pillow(path):
    with Image.open(path) as image:
        turned = ImageOps.exif_transpose(image)
        if image.mode == "CMYK":
            return Kept([(np.asarray(turned), None)])
        return Kept([(of_pillow(turned), None)])


def animation_ours(path):
    found = animation.load(path)
    rgba = (
        pictures.rgba(pictures.Picture(p if p.ndim == 2 else p[..., :3], codec.jpeg.Metadata(), "", alpha=None))
        if p.ndim == 2 or p.shape[2] == 3
        else p
        for p in found.pictures
    )
    return Kept([(shown(p), float(s)) for p, s in zip(rgba, found.seconds)], found.warnings)


def animation_pillow(path):
    with Image.open(path) as image:
        frames = (
            (of_pillow(frame), (frame.info.get("duration") or np.nan) / 1000) for frame in ImageSequence.Iterator(image)
        )
        return Kept(list(frames)[1 if image.info.get("default_image") else 0 :])


def animation_ffmpeg(path):
    made, times = [], []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for frame in container.decode(stream):
            made.append(shown(frame.to_ndarray(format="rgba")))
            times.append(float(frame.duration * frame.time_base) if frame.duration else None)
    return Kept(zip(made, times))


def clip_ours(path):
    frames, said = [], []
    for number, frame in enumerate(codec.decode_video(path, on_error="conceal")):
        seconds = None if frame.timestamp is None else float(frame.timestamp)
        frames.append(([np.array(plane) for plane in frame.planes], seconds))
        if frame.damage is not None:
            said.append(f"frame {number} is damaged")
    return Kept(frames, said)


def clip_ffmpeg(path):
    frames = Kept()
    with av.open(str(path)) as container:
        streams = [s for s in container.streams.video if s.codec_context.name == "h264"]
        stream = (streams or container.streams.video)[0]
        try:
            for frame in container.decode(stream):
                planes = [frame.planes[i] for i in range(min(3, len(frame.planes)))]
                depth = frame.format.components[0].bits
                dtype = np.uint8 if depth == 8 else np.uint16
                arrays = []
                for plane in planes:
                    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size).view(dtype)
                    arrays.append(rows[:, : plane.width].copy())
                frames.append((arrays, frame.time))
        except av.FFmpegError as error:
            frames.said.append(f"FFmpeg: {error}")
    return frames


def difference(ours, theirs):
    """What differs in the samples of a frame, or None."""
    ours, theirs = (x if isinstance(x, list) else [x] for x in (ours, theirs))
    sizes = [["x".join(map(str, plane.shape[1::-1])) for plane in planes] for planes in (ours, theirs)]
    if sizes[0][0] != sizes[1][0]:
        return f"size {sizes[0][0]} against {sizes[1][0]}"
    if len(ours) != len(theirs):
        return f"{len(ours)} planes against {len(theirs)}"
    wrong = [a != b for a, b in zip(ours, theirs)]
    if not any(w.any() for w in wrong):
        return None
    most = max(int(abs(a.astype(np.int64) - b).max()) for a, b in zip(ours, theirs))
    pixels = wrong[0].any(-1) if wrong[0].ndim == 3 else wrong[0]
    return f"{100 * pixels.mean():.3g} % of the samples, at most by {most}"


def disagreements(ours, theirs):
    """Sentences on what differs between two lists of frames."""
    found = []
    if len(ours) != len(theirs):
        found.append(f"{len(ours)} frames against {len(theirs)}")
    differ = [
        (number, what)
        for number, (a, b) in enumerate(zip_longest(ours, theirs))
        if a and b and (what := difference(a[0], b[0]))
    ]
    if differ:
        number, what = differ[0]
        found.append(f"{len(differ)} of {min(len(ours), len(theirs))} frames differ, the first is {number}: {what}")
    late = [
        (number, a[1], b[1])
        for number, (a, b) in enumerate(zip(ours, theirs))
        if a[1] is not None and b[1] is not None and abs(a[1] - b[1]) > TIME
    ]
    if late:
        number, a, b = late[0]
        found.append(f"{len(late)} times differ, the first of frame {number}: {a:.3f} s against {b:.3f} s")
    return found


def readers(path):
    """(name of the comparison, our reader, {peer: its reader})."""
    if path.suffix.lower() in MOVING:
        try:
            with Image.open(path) as image:
                moves = getattr(image, "is_animated", False)
        except Exception:
            moves = path.suffix.lower() == ".gif"
        if moves:
            peers = {"Pillow": animation_pillow, "FFmpeg": animation_ffmpeg}
            if path.suffix.lower() == ".webp":
                del peers["FFmpeg"]  # it cannot read them
            return "animation", animation_ours, peers
    if path.suffix.lower() in PICTURES:
        return "picture", picture_ours, {"Pillow": picture_pillow}
    return "clip", clip_ours, {"FFmpeg": clip_ffmpeg}


def read(reader, path):
    """Frames, or an exception as its text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return reader(path), None
    except codec.CodecError as error:
        return None, f"{type(error).__name__}: {error}"
    except Exception as error:  # whatever a peer raises
        return None, f"{type(error).__name__}: {error}"


def compare(path):
    """One row for each peer."""
    kind, reader, peers = readers(path)
    ours, failed = read(reader, path)
    for peer, other in peers.items():
        theirs, error = read(other, path)
        if failed and error:  # neither reads it
            continue
        if failed or error:
            found = [f"ours: {failed or 'read'}; {peer}: {error or 'read'}"]
        else:
            found = disagreements(ours, theirs)
        flags = [] if ours is None else ours.said
        yield {"path": str(path), "kind": kind, "peer": peer, "disagreements": found, "flags": flags}


def files(paths):
    for path in map(Path, paths):
        yield from sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", metavar="PATH")
    parser.add_argument("--json", metavar="FILE", help="write every row, equal ones too")
    arguments = parser.parse_args()
    av.logging.set_level(av.logging.PANIC)
    rows = []
    for path in files(arguments.paths):
        for row in compare(path):
            rows.append(row)
            if row["disagreements"]:
                print(f"{row['path']} ({row['kind']}, {row['peer']})")
                for text in row["disagreements"]:
                    print(f"    {text}")
                for text in row["flags"][:3]:
                    print(f"    ours says: {text}")
    equal = sum(not row["disagreements"] for row in rows)
    flagged = sum(bool(row["disagreements"] and row["flags"]) for row in rows)
    print(f"{equal} of {len(rows)} comparisons agree; of the others {flagged} carry a flag of ours")
    if arguments.json:
        io.open(arguments.json, "w").write(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
