"""The JPEG encoder, top to bottom: pixels -> coefficients (_planes) -> levels (levels, _trellis) -> script (scans) ->
file (assemble)."""

from __future__ import annotations

import struct
from array import array
from dataclasses import replace
from functools import cache, lru_cache, partial
from typing import NamedTuple, Tuple

import numpy as np

from ..errors import ParameterError
from ..pixels import uint8_pixels
from . import markers
from ._chroma import auto_subsampling
from ._planes import forward
from ._stream_write import PixelWriter
from .assemble import EOI, Common, assemble, script_cost, stream
from .exif import resolution_alone
from .guard import estimate_quality
from .learned import masking_of, trellis_weights
from .metadata import ADOBE, APP0, APP14, JFIF, Metadata, metadata_segments
from .params import SUBSAMPLING, QuantTables
from .scans import arithmetic_script, progressive_script, searched, sequential_script

WITH_CHROMA = ("ycbcr", "ycck")
CHANNELS = {"gray": 1, "ycbcr": 3, "rgb": 3, "cmyk": 4, "ycck": 4}
SMALL = 1 << 16  # pixels; up to here one sequential scan may be smaller than several scans with their headers
# Up to here it is where it has few bytes: others would save 0.02 % on average, and 0.07 % at most (36 pictures, cut and
# resized, of 96x96 and 128x128, qualities 40 to 92).
MODEST, MODEST_LEVELS = 1 << 14, 4000
# Up to here it is, in 85 % of the files of 23 pictures cut to 64x64 and 95 % of those resized, where the others are 3 %
# larger at most: quick efforts take it unseen.
TINY = 1 << 12
# Logarithm of E + H = 1600 as `_masking` has it, in 1/256. Busier blocks have edges rather than texture, such as
# letters on plain ground, and hide no more errors: without a limit a screenshot took up to 9 % more than at effort 4.
BUSIEST = 5791
ADOBE_TRANSFORM = {"rgb": 0, "cmyk": 0, "ycck": 2}


class QuantizedImage(NamedTuple):
    """A picture as levels, ready to be written.

    Attributes
    ----------
    planes : list of int16 arrays (blocks_high, blocks_wide, 64) in zig-zag order, one per component of the frame
    steps : dict of Tq to (64,) uint16
        In natural order, for the tables in use.
    frame : markers.Frame
    color, subsampling : str
    tables : QuantTables
    """

    planes: list
    steps: dict
    frame: markers.Frame
    color: str
    subsampling: str
    tables: QuantTables


def as_pixels(image):
    """The caller's image as (H, W, channels) uint8, of a size that JPEG allows."""
    found = uint8_pixels(image, "JPEG as written here has 8-bit samples")
    height, width, _ = found.shape
    _check_size(height, width)
    return np.ascontiguousarray(found)


def _check_size(height, width):
    if not (1 <= height <= 65535 and 1 <= width <= 65535):
        raise ParameterError(f"image is {width}x{height}; a JPEG has 1..65535 samples on a side (T.81 B.2.2)")


def _as_samples(image):
    """`as_pixels`, but a memoryview of such samples, as `codec.formats.plain_png` gives them, stays one: the simplest
    efforts need no NumPy."""
    if type(image) is not memoryview or image.format != "B" or not image.c_contiguous or not 2 <= image.ndim <= 3:
        return as_pixels(image)
    height, width, channels = (*image.shape, 1)[:3]
    if channels not in (1, 3, 4) or not image.nbytes:
        return as_pixels(image)
    _check_size(height, width)
    return image if image.ndim == 3 else image.cast("B").cast("B", (height, width, 1))


def color_of(options, channels):
    """What is coded: EncodeOptions.color, settled."""
    if options.color == "auto":
        if channels == 4:
            raise ParameterError(
                "4 channels may be RGBA or CMYK: pass color='cmyk' (0 = no ink), or drop the "
                "alpha, which JPEG lacks: image[..., :3]; over white it is "
                "(255 - image[..., 3:] / 255 * (255 - image[..., :3])).round().astype(np.uint8)"
            )
        return "gray" if channels == 1 else "ycbcr"
    if CHANNELS[options.color] != channels:
        wanted = CHANNELS[options.color]
        raise ParameterError(
            f"color={options.color!r} takes {wanted} channel{'s' * (wanted > 1)}, not {channels}: convert the picture "
            "first"
        )
    return options.color


def _subsampling(options, color, pixels):
    if color not in WITH_CHROMA:
        if options.subsampling not in ("auto", "4:4:4"):
            raise ParameterError(
                f"subsampling={options.subsampling!r} needs chroma components; color={color!r} has none"
            )
        return "4:4:4"
    if options.subsampling == "auto":
        tables = options.quant_tables
        return auto_subsampling(pixels, estimate_quality(tables.luminance).quality if tables else options.quality)
    return options.subsampling


def _frame(tables, color, subsampling, height, width):
    """The frame header of a sequential file; `_process` decides the rest."""
    chroma = (1, 2) if color in WITH_CHROMA else ()
    ids = b"RGB" if color == "rgb" else bytes(range(1, 5))
    H, V = SUBSAMPLING[subsampling]
    destination = {1: 1, 2: len(tables.by_destination) - 1} if chroma else {}
    components = tuple(
        markers.FrameComponent(ids[i], *((1, 1) if i in chroma else (H, V)), destination.get(i, 0))
        for i in range(CHANNELS[color])
    )
    used = tables.by_destination if chroma else tables.by_destination[:1]
    return markers.Frame(markers.SOF0 if max(map(max, used)) < 256 else markers.SOF1, 8, height, width, components)


def application_segments(metadata, color):
    """JFIF where it applies (T.871: gray and YCbCr), Adobe where it does not, then the caller's metadata.

    Adobe's segment has no density: Exif states it, where the caller gives none.
    """
    return _usual_segments(color) if metadata is None else _application_segments(metadata, color)


def _application_segments(metadata, color):
    if color in ADOBE_TRANSFORM:
        if metadata.density and metadata.density[0] and not metadata.exif:
            metadata = replace(metadata, exif=resolution_alone(*metadata.density))
        identity = ("headers", APP14, ADOBE + struct.pack(">HHHB", 100, 0, 0, ADOBE_TRANSFORM[color]))
    else:
        identity = ("headers", APP0, JFIF + struct.pack(">HBHHBB", 0x0102, *(metadata.density or (0, 1, 1)), 0, 0))
    return [identity, *(("metadata", code, payload) for code, payload in metadata_segments(metadata))]


@cache
def _usual_segments(color):
    return _application_segments(Metadata(), color)


def _plain(frame, steps, options):
    """Sampling factors, steps, and settings of `forward` and `PixelWriter` for levels that are simply rounded."""
    Q, plan = [steps[c.Tq] for c in frame.components], options.plan
    settings = dict(chroma=plan.chroma, dead_zone=options.tune != "annex-k", dering=Q if plan.dering else None)
    settings["threads"] = options.threads_for(frame.X * frame.Y)
    return tuple((c.H, c.V) for c in frame.components), Q, settings


def _levels(pixels, color, frame, steps, options, common):
    """Quantized levels of every component, with the care that the effort sets."""
    plan = options.plan
    sampling, Q, settings = _plain(frame, steps, options)
    scans_share = options.coding == "huffman" and not _is_one_scan(options, frame.X * frame.Y)
    if not plan.passes:
        shared = [common.room(frame.blocks(c)) for c in frame.components] if scans_share else None
        planes = forward(pixels, color, sampling, Q, shared=shared, **settings)
        for plane, found in zip(planes, shared or ()):
            common.keep(plane, *found)
        return planes
    from ._masking import activity_weights, subsampled_weights  # low efforts need neither of these
    from .levels import optimised_levels

    weights, masking = trellis_weights(options.tune), masking_of(options.tune)
    activity = None
    if masking and color not in ("rgb", "cmyk"):
        activity = masking["H"], np.empty(frame.blocks(frame.components[0]), np.int32)
    dc = [np.empty((*frame.blocks(c), 1), np.int16) for c in frame.components]
    shared = [(None, of_component) for of_component in dc]
    planes = forward(pixels, color, sampling, activity=activity, shared=shared, **{**settings, "dead_zone": False})
    pools = [[i for i, c in enumerate(frame.components) if (c.Tq > 0) == chroma] for chroma in (False, True)]
    orders = [(c.H, c.V) if len(planes) > 1 else (1, 1) for c in frame.components]

    def note(i, plane, band):
        common.add(plane, band)

    def optimised(luma_weights, passes, done=None, known=None, in_place=False):
        weights_of = lambda: [subsampled_weights(luma_weights(), plane.shape[:2]) for plane in planes]
        return optimised_levels(
            planes,
            Q,
            pools,
            [weights[c.Tq] for c in frame.components],
            passes=passes,
            block_weights=luma_weights and weights_of,
            orders=orders,
            dc=[of_component[..., 0] for of_component in dc],
            known=known,
            in_place=in_place,
            done=done,
            threads=settings["threads"],
        )

    last = note if scans_share else None
    if activity is None:
        return optimised(None, plan.passes, last, in_place=plan.passes == 1)
    if options.tune == "ssimulacra2":
        np.minimum(activity[1], BUSIEST, out=activity[1])
    luma_weights = cache(partial(activity_weights, activity[1], alpha=masking["alpha"]))
    looks_again = plan.second_look and options.tune == "ssimulacra2" and color != "ycck" and min(frame.X, frame.Y) >= 8
    if not looks_again:
        return optimised(luma_weights, plan.passes, last, in_place=plan.passes == 1)
    from ._stream_read import pixels_of_levels  # the highest efforts need these
    from .second_look import look_again

    levels = optimised(luma_weights, 1)
    shown = pixels_of_levels(levels, Q, color, sampling, frame.Y, frame.X, threads=settings["threads"], zigzag=True)
    refined = look_again(pixels, shown.reshape(pixels.shape), luma_weights(), settings["threads"])
    return optimised(lambda: refined, plan.passes, last, levels)


def _is_one_scan(options, pixels):
    """Whether a file is sequential, whatever its levels."""
    quick = options.progressive is None and options.plan.search == 1
    return not options.is_progressive or quick and options.coding == "huffman" and pixels <= TINY


def _process(image, options, common):
    """The frame of a QuantizedImage with its final process, and the scan script. common: Common of its planes."""
    planes, color, frame, plan = image.planes, image.color, image.frame, options.plan
    sequential = sequential_script(len(planes))
    if options.coding == "arithmetic":
        frame = replace(frame, SOFn=markers.SOF10 if options.is_progressive else markers.SOF9)
        return frame, arithmetic_script(len(planes), color) if options.is_progressive else sequential
    pixels = frame.X * frame.Y
    quick, has_choice = plan.search == 1 and pixels <= SMALL, options.progressive is None and pixels <= SMALL
    if _is_one_scan(options, pixels):
        return frame, sequential
    progressive = replace(frame, SOFn=markers.SOF2)
    if not plan.search:
        return progressive, progressive_script(len(planes), color)
    if has_choice and quick and pixels <= MODEST and sum(map(np.count_nonzero, planes)) <= MODEST_LEVELS:
        return frame, sequential
    size, script = searched(
        planes, color, 0 if quick else plan.search, progressive, options.threads_for(pixels), common
    )
    if has_choice:
        least = script_cost(progressive, planes, script, True, common) if plan.share else size
        if script_cost(frame, planes, sequential, True, common) <= least:
            return frame, sequential
    return progressive, script


def _steps(tables, frame):
    """Steps by Tq, as buffers of uint16."""
    return {Tq: array("H", tables.by_destination[Tq]) for Tq in sorted({c.Tq for c in frame.components})}


def _tables_and_frame(options, color, subsampling):
    """What the pictures of a setting have in common: QuantTables, Frame of one sample, and the steps in use."""
    tables = options.tables(subsampling)
    frame = _frame(tables, color, subsampling, 1, 1)
    return tables, frame, {Tq: np.array(table) for Tq, table in _steps(tables, frame).items()}


# They take a fifth of the time of 64x64 pixels. Options with metadata are not kept, which may be large.
_known_tables = lru_cache(maxsize=64)(_tables_and_frame)


def quantized(image, options, common):
    """From pixels to a QuantizedImage, with the frame of a sequential file. common: Common of its planes."""
    pixels = as_pixels(image)
    height, width, channels = pixels.shape
    color = color_of(options, channels)
    subsampling = _subsampling(options, color, pixels)
    tables_of = _known_tables if options.metadata is None else _tables_and_frame
    tables, frame, steps = tables_of(options, color, subsampling)
    frame = replace(frame, Y=height, X=width)
    planes = _levels(pixels, color, frame, steps, options, common)
    return QuantizedImage(planes, steps, frame, color, subsampling, tables)


def _settings_of_stream(options, color, subsampling):
    """What the pictures of a setting have in common: the Stream, and the writer of its data."""
    tables = options.tables(subsampling)
    frame = _frame(tables, color, subsampling, 1, 1)
    steps = _steps(tables, frame)
    sampling, Q, settings = _plain(frame, steps, options)
    del settings["threads"]
    (spec,) = sequential_script(len(frame.components))
    segments = application_segments(options.metadata, color)
    file = stream(frame, spec, steps, segments=segments, restart_interval=options.restart_interval)
    settings["restart_interval"] = options.restart_interval
    return file, PixelWriter(color, sampling, Q, file.tables, file.destinations, **settings)


# They take longer to make than a picture of 64x64 pixels. Those with metadata are not kept, which may be large.
_known_settings = lru_cache(maxsize=64)(_settings_of_stream)


def _stream(image, options):
    """The file of options that need no second look at the levels, which are written as they come."""
    pixels = _as_samples(image)
    height, width, channels = pixels.shape
    color = color_of(options, channels)
    settings_of = _known_settings if options.metadata is None else _settings_of_stream
    file, writer = settings_of(options, color, _subsampling(options, color, pixels))
    return writer.data(pixels, options.threads_for(height * width), file.headers(height, width), EOI)


def write(image, options, count_blocks=False):
    """Everything from pixels to bytes: the QuantizedImage that was written, and the Assembled file."""
    common = Common()
    picture = quantized(image, options, common)
    frame, script = _process(picture, options, common)
    file = assemble(
        frame,
        picture.planes,
        picture.steps,
        script,
        segments=application_segments(options.metadata, picture.color),
        optimize=options.optimize,
        share_tables=options.plan.share or not frame.progressive,
        restart_interval=options.restart_interval,
        count_blocks=count_blocks,
        common=common,
        threads=options.threads_for(frame.X * frame.Y),
    )
    return picture._replace(frame=frame), file


def file_bytes(image, options):
    """The file of options without a target."""
    if options.coding == "huffman" and not options.optimize:
        return _stream(image, options)
    _, file = write(image, options)
    return file.data


class EncodedFile(NamedTuple):
    """A written JPEG, without the bits of its blocks, whose count takes time: attributes as in `EncodedImage`."""

    data: bytes
    width: int
    height: int
    subsampling: str
    warnings: Tuple[str, ...] = ()
    target: None = None

    @property
    def bpp(self) -> float:
        """Bits per pixel, everything counted."""
        return 8 * len(self.data) / (self.width * self.height)


def encode_file(image, options):
    """The EncodedFile of options without a target."""
    pixels = _as_samples(image)
    height, width, channels = pixels.shape
    subsampling = _subsampling(options, color_of(options, channels), pixels)
    settled = _with_subsampling if options.metadata is None else _with_subsampling.__wrapped__
    return EncodedFile(file_bytes(pixels, settled(options, subsampling)), width, height, subsampling)


@lru_cache(maxsize=64)
def _with_subsampling(options, subsampling):
    return replace(options, subsampling=subsampling)
