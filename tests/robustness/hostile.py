"""Small JPEGs of every kind, ways to break them, and the rules that hold for any input of the decoder.

Depends on nothing but the package, so that the fuzzer (tests/fuzz) shares it.
"""

import os
import struct
import time
import tracemalloc
import warnings

import numpy as np
from codec.jpeg._arith_write import encode_arith_scan
from codec.jpeg._scan_write import Tables, encode_scan

import codec
from codec.jpeg import markers
from codec.jpeg.tables import FIXED_TABLES

# CODEC_ROBUSTNESS=full: more values per byte, more files. The sanitizers slow everything down about ten times.
FULL = os.environ.get("CODEC_ROBUSTNESS") == "full"
SANITIZED = os.environ.get("CODEC_DEBUG") == "1"
SECONDS = 20.0 if SANITIZED else 2.0


# ---------------------------------------------------------------- making


def picture(height, width, channels=3, seed=1):
    """A ramp with noise: some blocks are busy, some are nearly flat."""
    rng = np.random.default_rng(seed)
    ramp = np.add.outer(np.arange(height) * 3, np.arange(width) * 5)[..., None] + np.arange(channels) * 40
    noise = rng.integers(-40, 40, (height, width, channels)) * (np.arange(width) % 16 < 8)[:, None]
    return np.clip(ramp % 256 + noise, 0, 255).astype(np.uint8)


def sequential_scans(count):
    """One scan for each component: (component indices, Ss, Se, Ah, Al)."""
    return [((i,), 0, 63, 0, 0) for i in range(count)]


def craft(
    height=21,
    width=27,
    factors=((2, 2), (1, 1), (1, 1)),
    *,
    SOFn=markers.SOF0,
    P=8,
    scans=None,
    restart_interval=0,
    levels=3,
    seed=2,
    dnl=False,
    before=b"",
):
    """A JPEG with random levels, of kinds the encoder does not write: any factors, 12 bits, any scan script, DNL."""
    rng = np.random.default_rng(seed)
    frame = markers.Frame(
        SOFn, P, height, width, tuple(markers.FrameComponent(i + 1, H, V, 0) for i, (H, V) in enumerate(factors))
    )
    planes = []
    for component in frame.components:
        shape = (*frame.blocks(component), 64)
        planes.append((rng.integers(-levels, levels + 1, shape) * (rng.random(shape) < 0.15)).astype(np.int16))
    header = markers.Frame(SOFn, P, 0 if dnl else height, width, frame.components)
    out = [b"\xff\xd8", before, markers.write_quant_tables({0: np.full(64, 9, np.uint16)}), markers.write_frame(header)]
    if restart_interval:
        out.append(markers.write_restart_interval(restart_interval))
    for number, (indices, Ss, Se, Ah, Al) in enumerate(scans or [(tuple(range(len(factors))), 0, 63, 0, 0)]):
        tables, keys = Tables(), [(0, 0)] * (Ss == 0 and Ah == 0) + [(1, 0)] * (Se > 0)
        settings = dict(
            Ss=Ss,
            Se=Se,
            Ah=Ah,
            Al=Al,
            progressive=frame.progressive,
            mcus=frame.mcus,
            restart_interval=restart_interval,
        )
        chosen, components = [planes[i] for i in indices], [(*factors[i], 0, 0) for i in indices]
        if not frame.arithmetic:
            encode_scan(chosen, components, tables, "symbols", **settings)
            best = [(*key, *tables.optimal(*key)) for key in keys]
            for key in best:
                tables.set(*key)
            if best:
                out.append(markers.write_huffman_tables(best))
        out.append(
            markers.write_scan(markers.Scan(tuple(markers.ScanComponent(i + 1, 0, 0) for i in indices), Ss, Se, Ah, Al))
        )
        out.append(
            encode_arith_scan(chosen, components, **settings)
            if frame.arithmetic
            else encode_scan(chosen, components, tables, "bits", **settings)
        )
        if dnl and number == 0:
            out.append(markers.write_segment(markers.DNL, struct.pack(">H", height)))
    out.append(b"\xff\xd9")
    return b"".join(out)


PROGRESSIVE = [
    ((0, 1, 2), 0, 0, 0, 1),
    ((0,), 1, 63, 0, 1),
    ((1,), 1, 5, 0, 1),
    ((2,), 1, 63, 0, 0),
    ((0, 1, 2), 0, 0, 1, 0),
    ((0,), 1, 63, 1, 0),
    ((1,), 6, 63, 0, 0),
    ((1,), 1, 5, 1, 0),
]


# 4x4 samples, lossless, arithmetic coded: from the CC0 suite github.com/robert-ancell/jpegsuite, as this
# package writes no such files.
SOF11 = bytes.fromhex(
    "ffd8ffe000104a46494600010200000100010000ffcb000b080004000401011100ffda0008010100010000d2b8277a512625651bca855d0946d0ffd9"
)


def seeds():
    """name -> file, each below 1100 bytes and decodable."""
    metadata = codec.jpeg.Metadata(
        icc=bytes(range(90)),
        exif=b"II*\0\x08\0\0\0\0\0\0\0",
        xmp=b"<x:xmpmeta/>",
        iptc=b"\x1c\x02\x05\0\x01a",
        photoshop=b"8BIM\x04\x0c\0\0\0\0\0\x02ab",
        comments=(b"hello",),
    )
    return {
        "baseline-420-restart": codec.encode(picture(29, 37), 40, effort=3, restart_interval=2),
        "progressive-420": codec.encode(picture(19, 21), 40),
        "progressive-gray-restart": codec.encode(picture(25, 25, 1), 40, restart_interval=3),
        "cmyk": codec.encode(picture(17, 15, 4), 30, color="cmyk", effort=3),
        "ycck": codec.encode(picture(9, 20, 4), 30, color="ycck", effort=3, subsampling="4:2:0"),
        "metadata": codec.encode(picture(9, 9), 30, effort=3, metadata=metadata),
        "gray-12": craft(20, 20, ((1, 1),), SOFn=markers.SOF1, P=12, levels=90),
        "progressive-12": craft(16, 24, SOFn=markers.SOF2, P=12, scans=PROGRESSIVE, levels=40),
        "scan-by-scan": craft(33, 30, ((2, 1), (1, 1), (1, 2)), scans=sequential_scans(3)),
        "factors-4x1-1x4": craft(35, 35, ((4, 1), (1, 4), (1, 1)), restart_interval=1),
        "factors-3x2": craft(26, 26, ((3, 2), (1, 1), (2, 1))),
        "lines-by-dnl": craft(20, 20, dnl=True),
        "arithmetic-420-restart": codec.encode(picture(29, 37), 40, coding="arithmetic", effort=3, restart_interval=2),
        "arithmetic-progressive": codec.encode(picture(19, 21), 40, coding="arithmetic"),
        "arithmetic-12": craft(20, 20, ((1, 1),), SOFn=markers.SOF9, P=12, levels=90),
        "arithmetic-progressive-12": craft(
            16, 24, SOFn=markers.SOF10, P=12, scans=PROGRESSIVE, levels=40, restart_interval=2
        ),
        "arithmetic-lines-by-dnl": craft(20, 20, SOFn=markers.SOF9, dnl=True),
        "lossless": codec.jpeg.encode_lossless(picture(12, 11)).data,
        "lossless-restart": codec.jpeg.encode_lossless(
            picture(13, 17, 1) * np.uint16(200), predictor=7, restart_rows=2
        ).data,
        "lossless-arithmetic": SOF11,
    }


def bomb(
    width,
    height,
    SOFn=markers.SOF0,
    *,
    Ss=0,
    Se=63,
    Ah_Al=0,
    P=8,
    factors=((1, 1),),
    dnl=0,
    scan=b"\0" * 40,
    dht=None,
    in_scan=4,
):
    """A few hundred bytes that claim to be a picture of the given size."""
    Huffman = [(Tc, 0, *FIXED_TABLES[Tc, 0]) for Tc in (0, 1)] if dht is None else dht
    frame = markers.Frame(
        SOFn,
        P,
        0 if dnl else height,
        width,
        tuple(markers.FrameComponent(i + 1, H, V, 0) for i, (H, V) in enumerate(factors)),
    )
    components = tuple(markers.ScanComponent(i + 1, 0, 0) for i in range(1 if Ss else min(in_scan, len(factors))))
    return b"".join(
        (
            b"\xff\xd8",
            markers.write_quant_tables({0: np.full(64, 1, np.uint16)}),
            markers.write_frame(frame),
            markers.write_huffman_tables(Huffman),
            markers.write_scan(markers.Scan(components, Ss, Se, Ah_Al >> 4, Ah_Al & 15)),
            scan,
            markers.write_segment(markers.DNL, struct.pack(">H", dnl)) if dnl else b"",
            b"\xff\xd9",
        )
    )


def offsets(data, marker):
    """Offsets of the segments of a marker. Byte stuffing keeps entropy-coded data out of the search."""
    return [i for i in range(len(data) - 1) if data[i] == 0xFF and data[i + 1] == marker]


# ---------------------------------------------------------------- judging


def attempt(function, *args, **options):
    """(result, error): only CodecError may escape, in bounded time; errors in the data have position and clause."""
    start = time.thread_time()  # time of this thread only: a busy machine does not count as a hang
    try:
        result, error = function(*args, **options), None
    except codec.CodecError as problem:
        result, error = None, problem
    seconds = time.thread_time() - start
    assert seconds < SECONDS or tracemalloc.is_tracing(), (
        f"{function.__module__}.{function.__name__} took {seconds:.1f} s"
    )
    if isinstance(error, codec.BitstreamError):
        assert error.offset is not None and error.layer and error.reason, repr(error)
        assert error.clause.startswith("T.81") or error.layer == "file", repr(error)
        assert 0 <= error.offset <= len(args[0]) and str(error.offset) in str(error)
    assert error is None or str(error)
    return result, error


def shape_agrees(result):
    info, pixels = result.info, result.pixels
    channels = () if info.color == "gray" else (len(info.components),)
    assert pixels.shape == (info.height, info.width, *channels)
    assert pixels.dtype == (np.uint8 if info.precision <= 8 else np.uint16)
    assert info.precision == 8 or not pixels.size or pixels.max() < 1 << info.precision


def judge(data):
    """Give `data` to everything that reads JPEG. Returns (raise-mode result or None, conceal-mode result or None).

    For any bytes: only CodecError escapes; shapes agree with the header; a file that decodes without an error gives the
    same pixels, undamaged, with concealment on; `probe` reads the header of any file that decodes without concealment.
    """
    info, _ = attempt(codec.probe, data)
    attempt(codec.jpeg.inspect, data)
    strict, error = attempt(codec.jpeg.decode, data)
    concealed, conceal_error = attempt(codec.jpeg.decode, data, on_error="conceal")
    for result in (strict, concealed):
        if result is not None:
            shape_agrees(result)
            assert info is None or (info.width, info.height, info.components) == (
                result.info.width,
                result.info.height,
                result.info.components,
            )
    assert strict is None or info is not None
    if strict is not None:
        assert strict.damage is None and concealed is not None and concealed.damage is None
        assert np.array_equal(strict.pixels, concealed.pixels)
    else:
        assert concealed is None or (concealed.damage is not None and concealed.damage.errors)
        assert isinstance(error, codec.BitstreamError) or conceal_error is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", codec.DamageWarning)
        pixels, again = attempt(codec.decode, data)
    assert type(again) is type(error) and (strict is None or np.array_equal(pixels, strict.pixels))
    return strict, concealed


def values_for(byte, full=FULL):
    """Replacements of a byte: all bits, the highest or the lowest bit flipped, neighbours,
    bytes with a meaning in JPEG."""
    few = {byte ^ 0xFF, byte ^ 0x80, byte + 1 & 0xFF, 0}
    more = {byte ^ 1, byte ^ 0x10, byte - 1 & 0xFF, 0xFF, 0x7F, 0xD0, 0xD9, 0xDA, 0xC4, 0x11, 0x44} if full else set()
    return sorted((few | more) - {byte})
