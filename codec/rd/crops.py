"""Pictures in a report: choose them, crop them, and encode the crops again with every codec.

Rows hold no pixels. A report makes them again from the original and the setting of the row, if the original is still
there.
"""

import base64
import hashlib
import io
import math
import os
from dataclasses import dataclass, field

import numpy as np

from .. import jpeg, registry
from ..errors import CodecError, ParameterError
from ..sources.files import read_bytes
from .points import families

MAP_CELLS = 128  # on the longer side of an error map
THUMBNAIL = 96  # pixels on the longer side


@dataclass
class Budget:
    """Bytes left for data URIs. What does not fit is left out; smaller ones may still fit later."""

    left: int
    refused: int = 0

    def take(self, kind, data):
        """A data URI of the bytes, or None if it is too long."""
        uri = f"data:image/{kind};base64," + base64.b64encode(data).decode("ascii")
        if len(uri) > self.left:
            self.refused += 1
            return None
        self.left -= len(uri)
        return uri


@dataclass(frozen=True)
class Original:
    """What a row was measured on, pixels or a clip, or why it is missing."""

    pixels: object
    reason: str = ""


@dataclass
class Version:
    """A picture encoded with the setting of a row, or why it cannot be shown."""

    point: object
    pixels: np.ndarray | None = None  # of the whole picture, then of the crop alone
    error: np.ndarray | None = None  # (rows, columns) of 8 x 8 squares: sums of squared error, mean over the channels
    block_bits: np.ndarray | None = None  # of the same squares, all components
    reason: str = ""
    notes: list = field(default_factory=list)


def choose(curves, metrics, lower, rate, count):
    """Choose pictures to show: in turn the worst and the best by each metric at a rate.

    Parameters
    ----------
    curves : dict
        {picture: {family: rows}}.
    metrics : list of str
    lower : set of str
        Metrics where lower is better.
    rate : float
        As `Point.rate`.
    count : int

    Returns
    -------
    list
        At most `count` of the keys of `curves`.
    """
    orders = []
    for metric in metrics:
        scores = {picture: _score(families, metric, rate) for picture, families in curves.items()}
        order = sorted((p for p in scores if scores[p] is not None), key=lambda p: scores[p], reverse=metric in lower)
        orders += [order, order[::-1]]
    turns = (order[turn] for turn in range(len(curves)) for order in orders if turn < len(order))
    return list(dict.fromkeys(turns))[:count]


def _score(families, metric, rate):
    """The metric at a rate, interpolated linearly over log rate, mean over the families; None if no family has it."""
    values = []
    for rows in families.values():
        pairs = sorted(
            (row.rate, row.metrics[metric]) for row in rows if math.isfinite(row.metrics.get(metric, math.nan))
        )
        if pairs:
            values.append(float(np.interp(math.log(rate), [math.log(x) for x, _ in pairs], [y for _, y in pairs])))
    return math.fsum(values) / len(values) if values else None


def default_rates(curves):
    """Two rates, at 1/3 and 2/3 of the range of the curves on the log axis, rounded to two digits."""
    spans = [
        (min(r.rate for r in rows), max(r.rate for r in rows))
        for families in curves.values()
        for rows in families.values()
    ]
    low, high = (math.log(float(np.median([span[end] for span in spans]))) for end in (0, 1))
    return list(dict.fromkeys(float(f"{math.exp(low + (high - low) * step / 3):.2g}") for step in (1, 2)))


def nearest(rows, rate):
    """The row with the nearest rate, by ratio."""
    return min(rows, key=lambda row: (abs(math.log(row.rate / rate)), row.rate))


def places(images):
    """{file name: paths} of the given files and of everything below the given folders."""
    if isinstance(images, (str, bytes, os.PathLike)):
        images = [images]
    found = {}
    for place in map(os.fsdecode, images):
        if os.path.isdir(place):
            files = (os.path.join(here, name) for here, _, names in os.walk(place) for name in names)
        elif os.path.exists(place):
            files = [place]
        else:
            raise ParameterError(f"images: there is no {place}; name files or folders that hold the originals")
        for path in sorted(files):
            found.setdefault(os.path.basename(path), []).append(path)
    return found


def load(data):
    """The pixels of a picture in a file."""
    from ..formats import pictures

    return pictures.load(data).pixels


def find_original(image, sha256, elsewhere, load=load):
    """The original of a row, at its path or under the same file name in `elsewhere`; the content must match."""
    reasons = []
    for path in [image, *elsewhere.get(os.path.basename(image), [])]:
        try:
            data = read_bytes(path)
            if hashlib.sha256(data).hexdigest() != sha256:
                reasons.append(f"{path} has changed since it was measured")
                continue
            pixels = load(data)
        except (CodecError, ValueError) as error:  # ValueError: a path with a NUL
            reasons.append(str(error))
            continue
        if pixels.dtype != np.uint8:
            return Original(None, f"{path} has more than 8 bits per sample; crops show 8")
        return Original(pixels)
    return Original(None, reasons[0])


def encode_again(point, pixels):
    """Encode a picture again as a row measured it."""
    version = Version(point)
    try:
        codec = registry.by_name(point.codec)
        codec.require()
        data, version.pixels, version.block_bits = _round_trip(codec, point, pixels)
        version.error = squared_error(pixels, version.pixels)
        version.notes = size_note(codec, len(data), point)
    except CodecError as error:
        version.reason = str(error)
    return version


def size_note(codec, count, point):
    """A list of what to say about the size of what was encoded again; empty if it is that of its row."""
    if count == point.bytes:
        return []
    same = codec.version() == point.codec_version
    why = "another build of it, or a codec that does not repeat its bytes" if same else "another version of the codec"
    return [f"encoded again it takes {count} bytes, not the {point.bytes} of its row: {why}"]


def _round_trip(codec, point, pixels):
    """Bytes, decoded pixels, and bits per block (None for codecs that do not report them)."""
    setting = codec.setting(**point.setting)
    data = codec.run_encode(pixels, setting)
    decoded = codec.run_decode(data, pixels)
    return data, decoded, _block_bits(pixels, setting, data) if point.codec == "jpeg" else None


def _block_bits(pixels, setting, data):
    """Bits per block of our own JPEG; None if another codec is registered under that name."""
    options = {name: value for name, value in setting.items() if name != "quality"}
    if pixels.ndim == 2:
        options["subsampling"] = "auto"
    elif pixels.shape[2] == 4:
        options["color"] = "ycck"
    encoded = jpeg.encode(pixels, setting["quality"], **options)
    return bits_of_blocks(encoded) if encoded.data == data else None


def bits_of_blocks(encoded):
    """Bits per 8 x 8 square, summed over components; a block of a subsampled component is divided among its squares."""
    high, wide = -(-encoded.height // 8), -(-encoded.width // 8)
    total = np.zeros((high, wide))
    sampling = encoded.subsampling if len(encoded.block_bits) > 1 else "4:4:4"
    shares = {"4:4:4": (1, 1), "4:2:2": (1, 2), "4:4:0": (2, 1), "4:2:0": (2, 2)}[sampling]
    for number, bits in enumerate(encoded.block_bits):
        v, h = shares if number in (1, 2) else (1, 1)
        spread = np.repeat(np.repeat(bits / (v * h), v, 0), h, 1)[:high, :wide]
        total[: spread.shape[0], : spread.shape[1]] += spread
    return total


def squared_error(a, b):
    """Squared error summed over 8 x 8 squares, mean over the channels; a stripe at a time, to bound the memory."""
    high, wide = a.shape[:2]
    channels = a.size // (high * wide)
    sums = np.empty((-(-high // 8), -(-wide // 8)))
    for top in range(0, high, 256):
        stripe = np.square(np.subtract(a[top : top + 256], b[top : top + 256], dtype=np.int16), dtype=np.int32)
        stripe = stripe.reshape(stripe.shape[0], wide, channels).sum(2) / channels
        part = cells(stripe, 8)
        sums[top // 8 : top // 8 + len(part)] = part
    return sums


def worst_window(error, height, width, size):
    """(x, y, width, height) of the window of about `size` pixels with the largest error, in steps of 8."""
    tall, broad = (min(-(-size // 8), length) for length in error.shape)
    sums = np.zeros((error.shape[0] + 1, error.shape[1] + 1))
    sums[1:, 1:] = error.cumsum(0).cumsum(1)
    window = sums[tall:, broad:] - sums[:-tall, broad:] - sums[tall:, :-broad] + sums[:-tall, :-broad]
    row, column = map(int, np.unravel_index(np.argmax(window), window.shape))
    x, y = 8 * column, 8 * row
    return x, y, min(size, width - x), min(size, height - y)


def cells(values, cell):
    """Sums of `values` over squares of side `cell`; squares at the edges may be smaller."""
    starts = [np.arange(0, length, cell) for length in values.shape]
    return np.add.reduceat(np.add.reduceat(values.astype(np.float64), starts[0], 0), starts[1], 1)


def gray_png(values, top):
    """A gray PNG of the values, scaled from 0..top and clipped."""
    from PIL import Image

    samples = np.round(np.clip(values / (top or 1), 0, 1) * 255).astype(np.uint8)
    return _save(Image.fromarray(samples), "PNG", optimize=True)


def _image(pixels):
    """A gray or RGB Pillow image; four channels are CMYK."""
    from PIL import Image

    pixels = np.ascontiguousarray(pixels)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        return Image.frombytes("CMYK", pixels.shape[1::-1], pixels.tobytes()).convert("RGB")
    return Image.fromarray(pixels)


def picture_bytes(pixels):
    """(kind, bytes): lossless WebP if Pillow supports it, else PNG."""
    from PIL import features

    if features.check("webp"):
        return "webp", _save(_image(pixels).convert("RGB"), "WEBP", lossless=True, method=4, exact=True)
    return "png", _save(_image(pixels), "PNG", optimize=True)


def thumbnail(pixels):
    """A small JPEG of the whole picture."""
    image = _image(pixels)
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    return jpeg.encode(np.asarray(image), 80).data


def _save(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def show(picture, curves, rates, original, crop, budget, again=encode_again):
    """One picture of the report as JSON types: its crop by every family at every rate, with maps.

    Parameters
    ----------
    picture : (path, sha256)
    curves : dict
        {family: rows} of this picture.
    rates : list of float
    original : Original
    crop : int
        Side of the crop in pixels.
    budget : Budget
    again : callable
        Of a row and the pixels: the `Version`.

    Returns
    -------
    dict
    """
    entry = {"reason": original.reason, "thumbnail": None, "original": None, "crop": None, "rates": []}
    if original.pixels is None:
        return entry
    pixels = original.pixels
    high, wide = pixels.shape[:2]
    first = {name: again(nearest(rows, rates[0]), pixels) for name, rows in curves.items()}
    errors = [version.error for version in first.values() if version.error is not None]
    x, y, width, height = worst_window(
        sum(errors) if errors else np.zeros((-(-high // 8), -(-wide // 8))), high, wide, crop
    )
    window = (slice(y, y + height), slice(x, x + width))
    entry["thumbnail"] = budget.take("jpeg", thumbnail(pixels))
    entry["original"] = budget.take(*picture_bytes(pixels[window]))
    entry["crop"] = [x, y, width, height]
    made = {id(version.point): _cut(version, window) for version in first.values()}
    blocks = math.ceil(max(high, wide) / (8 * MAP_CELLS))
    counts = cells(np.ones((high, wide), np.uint8), 8 * blocks)
    for rate in rates:
        versions = {}
        for name, rows in curves.items():
            row = nearest(rows, rate)
            if id(row) not in made:
                made[id(row)] = _cut(again(row, pixels), window)
            versions[name] = made[id(row)]
        shown = _maps(list(versions.values()), blocks, counts, budget)
        for one, version in zip(shown, versions.values()):
            if version.pixels is not None:
                one["data"] = budget.take(*picture_bytes(version.pixels))
                one["reason"] = "" if one["data"] else "left out: the report has reached its size"
        entry["rates"].append({"cell": 8 * blocks, "versions": dict(zip(versions, shown))})
    return entry


def _cut(version, window):
    if version.pixels is not None:
        version.pixels = version.pixels[window].copy()
    return version


def _maps(versions, blocks, counts, budget):
    """Error and bit maps of one picture at one rate. All share a scale up to the 99.5th percentile, so that colours are
    comparable.
    """
    faults = [None if v.error is None else np.sqrt(cells(v.error, blocks) / counts) for v in versions]
    bits = [None if v.block_bits is None else cells(v.block_bits, blocks) for v in versions]
    tops = [max((float(np.percentile(m, 99.5)) for m in maps if m is not None), default=0.0) for maps in (faults, bits)]
    shown = []
    for version, fault, bit in zip(versions, faults, bits):
        one = {"data": None, "reason": version.reason, "notes": version.notes, "error": None, "bits": None}
        for name, values, top in (("error", fault, tops[0]), ("bits", bit, tops[1])):
            uri = None if values is None else budget.take("png", gray_png(values, top))
            if uri:
                one[name] = {"data": uri, "top": float(f"{top:.6g}"), "mean": float(f"{values.mean():.6g}")}
        shown.append(one)
    return shown


def by_picture(points):
    """{Point.picture: {name of the family: rows by rate}}."""
    curves = {}
    for name, rows in families(points).items():
        for point in sorted(rows, key=lambda row: row.rate):
            curves.setdefault(point.picture, {}).setdefault(name, []).append(point)
    return curves
