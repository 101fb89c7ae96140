"""Colour in PNG chunks (PNG, third edition: 11.3.2), and ICC.1:2001 profiles that say the same."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .chunks import chunks

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

SRGB_GAMMA = 45455  # in 1/100000 (11.3.2.2)
SRGB_POINTS = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)  # white, red, green, blue: x, y in 1/100000
# Points of ITU-T H.273 table 2, and transfer functions of table 3: "srgb" or an exponent.
CICP_POINTS = {
    1: SRGB_POINTS,
    9: (31270, 32900, 70800, 29200, 17000, 79700, 13100, 4600),
    12: (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000),
}
CICP_TRANSFERS = {4: 2.2, 5: 2.8, 8: 1.0, 13: "srgb"}
NEAR_GAMMA, NEAR_POINTS = 500, 100  # what counts as sRGB
CARRIED = (b"cICP", b"mDCV", b"cLLI", b"gAMA", b"cHRM")
# Colorants of sRGB adapted to D50, as its profiles state them (rXYZ, gXYZ, bXYZ), and what counts as equal.
SRGB_COLORANTS = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7139))
NEAR_COLORANTS, NEAR_CURVE = 0.002, 0.005
MOST_BYTES = 1 << 24  # of a profile
D50 = (0.9642, 1.0, 0.8249)
BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))


class Meaning(NamedTuple):
    """What samples mean if it is not sRGB: an ICC profile, and the chunks of `color_chunks`."""

    icc: bytes | None = None
    chunks: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def words(self) -> str:
        """For messages."""
        return f"colours ({names(self.chunks)})" if self.chunks else "ICC profile"


SRGB = Meaning()


def meaning(data: bytes) -> Meaning:
    """What the samples of a PNG mean. An iCCP chunk that does not decompress to at most `MOST_BYTES` is left out."""
    icc = None
    for chunk in chunks(data):
        if chunk.kind in (b"IDAT", b"PLTE"):
            break
        if chunk.kind == b"iCCP":  # name, 0, method, deflated profile (11.3.2.3)
            try:
                inflate = zlib.decompressobj()
                icc = inflate.decompress(chunk.content.partition(b"\0")[2][1:], MOST_BYTES)
                icc = icc if inflate.eof else None
            except zlib.error:
                icc = None
    return Meaning(icc or None, color_chunks(data))


def of_image(image: Any) -> Meaning:
    """What the samples of a Pillow image mean: its profile, or the gAMA and cHRM of its PNG, where they differ from
    sRGB.
    """
    info, found = image.info, {}
    if info.get("icc_profile") or "srgb" in info:
        return Meaning(info.get("icc_profile") or None)
    if info.get("gamma"):
        found[b"gAMA"] = struct.pack(">I", round(1e5 * info["gamma"]))
    if len(info.get("chromaticity", ())) == 8:  # x, y of white, red, green, blue
        found[b"cHRM"] = struct.pack(">8I", *(round(1e5 * value) for value in info["chromaticity"]))
    return Meaning(None, _beyond_srgb(found))


class ToSrgb:
    """Converts pixels to sRGB by LittleCMS, relative colorimetric."""

    def __init__(self) -> None:
        self._made: dict[tuple[bytes | None, str], Any] = {}

    def __call__(self, pixels: npt.NDArray[np.uint8], meant: Meaning) -> npt.NDArray[np.uint8] | None:
        """Pixels (H, W[, 3 or 4]); gray becomes RGB. None where the profile does not fit the pixels, or no profile can
        say what the chunks say. A gray profile fits equal channels too: frames of animations have no others.
        """
        from PIL import Image

        gray = pixels.ndim == 2
        if not gray and meant.icc and meant.icc[16:20] == b"GRAY" and not np.ptp(pixels[..., :3], axis=2).any():
            made = self(np.ascontiguousarray(pixels[..., 0]), meant)
            return made if made is None or pixels.shape[2] == 3 else np.dstack([made, pixels[..., 3]])
        icc, mode = profile(meant.chunks, gray) if meant.chunks else meant.icc, "L" if gray else "RGB"
        if (icc, mode) not in self._made:
            self._made[icc, mode] = transform(icc, mode) if icc else None
        convert = self._made[icc, mode]
        if convert is None:
            return None
        made = np.array(convert(Image.fromarray(pixels if gray else np.ascontiguousarray(pixels[..., :3]))))
        return np.dstack([made, pixels[..., 3]]) if not gray and pixels.shape[2] == 4 else made


def transform(icc, mode):
    """A function that converts Pillow images of a mode from a profile to sRGB; None where the profile does not fit."""
    from PIL import ImageCms

    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        made = ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), mode, "RGB", intent)
    except (OSError, ImageCms.PyCMSError):
        return None
    return lambda image: ImageCms.applyTransform(image, made)


def color_chunks(data: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """(type, content) of the chunks by which a PNG differs from sRGB, without iCCP; () if none does.

    cICP has precedence over iCCP, this over sRGB, and this over gAMA and cHRM (11.3.2).
    """
    found = {}
    for chunk in chunks(data):
        if chunk.kind in (b"IDAT", b"PLTE"):
            break
        found[chunk.kind] = chunk.content
    kept = tuple((kind, found[kind]) for kind in CARRIED if kind in found)
    cicp = found.get(b"cICP", b"")
    if len(cicp) == 4:
        return () if cicp == b"\x01\x0d\x00\x01" else kept
    if b"iCCP" in found or b"sRGB" in found:
        return ()
    return _beyond_srgb(found)


def _beyond_srgb(found):
    """The chunks that are carried, unless gAMA and cHRM say sRGB."""
    kept = tuple((kind, found[kind]) for kind in CARRIED if kind in found)
    gamma, points = _gamma(found), _points(found)
    as_srgb = (gamma is None or abs(gamma - SRGB_GAMMA) <= NEAR_GAMMA) and (
        points is None or max(abs(a - b) for a, b in zip(points, SRGB_POINTS)) <= NEAR_POINTS
    )
    return () if as_srgb else kept


def _gamma(found):
    content = found.get(b"gAMA", b"")
    return int.from_bytes(content, "big") or None if len(content) == 4 else None


def _points(found):
    content = found.get(b"cHRM", b"")
    return struct.unpack(">8I", content) if len(content) == 32 else None


def names(chunks: tuple[tuple[bytes, bytes], ...]) -> str:
    """The types of the chunks, for messages."""
    return ", ".join(kind.decode() for kind, _ in chunks)


def profile(chunks: tuple[tuple[bytes, bytes], ...], gray: bool) -> bytes | None:
    """An ICC profile for the colours that the chunks state; None where a matrix and curves cannot (PQ, HLG)."""
    found = dict(chunks)
    cicp = found.get(b"cICP", b"")
    if len(cicp) == 4:
        primaries, transfer, matrix, full = cicp
        if primaries not in CICP_POINTS or transfer not in CICP_TRANSFERS or matrix or full != 1:
            return None
        points, exponent = CICP_POINTS[primaries], CICP_TRANSFERS[transfer]
    else:
        gamma = _gamma(found)
        points, exponent = _points(found) or SRGB_POINTS, "srgb" if gamma is None else 1e5 / gamma
    curve = _curve(exponent)
    if curve is None:
        return None
    tags = [(b"desc", _text(b"desc")), (b"cprt", b"text\0\0\0\0No copyright\0"), (b"wtpt", _xyz(D50))]
    if gray:
        return _assembled(b"GRAY", [*tags, (b"kTRC", curve)])
    columns = _adapted(points)
    if columns is None:
        return None
    tags += [(name, _xyz(column)) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns.T)]
    return _assembled(b"RGB ", [*tags, *((name, curve) for name in (b"rTRC", b"gTRC", b"bTRC"))])


def _adapted(points) -> npt.NDArray[np.float64] | None:
    """XYZ of R, G and B as columns, adapted to D50 as Bradford (ICC.1:2001 annex E); None for impossible points."""
    xy = np.array(points, np.float64).reshape(4, 2) / 1e5
    if (xy[:, 1] <= 0).any():
        return None
    white, *rest = np.column_stack([xy[:, 0] / xy[:, 1], np.ones(4), (1 - xy.sum(1)) / xy[:, 1]])
    matrix = np.array(rest).T
    if abs(np.linalg.det(matrix)) < 1e-6:
        return None
    matrix = matrix * np.linalg.solve(matrix, white)
    bradford = np.array(BRADFORD)
    cones = bradford @ white
    if (cones <= 0).any():
        return None
    columns = np.linalg.solve(bradford, np.diag(bradford @ D50 / cones) @ bradford) @ matrix
    return columns if np.abs(columns).max() < 4 else None


def _curve(exponent) -> bytes | None:
    """curv (6.5.3): an exponent in 8.8 bits, or 1024 samples of the curve of sRGB."""
    if exponent == "srgb":
        x = np.linspace(0, 1, 1024)
        y = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
        return struct.pack(">4s4xI", b"curv", 1024) + np.rint(y * 65535).astype(">u2").tobytes()
    fixed = round(exponent * 256)
    return struct.pack(">4s4xIH", b"curv", 1, fixed) if 0 < fixed < 65536 else None


def _xyz(values) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(float(value) * 65536) for value in values))


def _text(kind) -> bytes:
    """textDescriptionType (6.5.17) in ASCII."""
    words = b"PNG gAMA and cHRM, or cICP\0"
    return struct.pack(">4s4xI", kind, len(words)) + words + bytes(4 + 4 + 2 + 1 + 67)


def _assembled(space, tags) -> bytes:
    """Header (6.1), tag table (6.2) and tags, each on a multiple of four."""
    at, table, body = 132 + 12 * len(tags), b"", b""
    for name, content in tags:
        table += struct.pack(">4sII", name, at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12x4s28x3i48x",
        at + len(body),
        bytes(4),
        0x02400000,
        b"mntr",
        space,
        b"XYZ ",
        b"acsp",
        63190,
        65536,
        54061,
    )
    return header + struct.pack(">I", len(tags)) + table + body


def is_srgb(icc: bytes) -> bool:
    """Whether an ICC profile says what a picture without one means: sRGB, by matrix and curves (ICC.1:2022, 9.2.3)."""
    tags = _tags(icc)
    if icc[16:20] != b"RGB " or icc[36:40] != b"acsp" or b"A2B0" in tags:
        return False
    levels = np.linspace(0, 1, 33)
    wanted = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    for name, colorant in zip("rgb", SRGB_COLORANTS):
        point, curve = (tags.get(f"{name}{kind}".encode(), b"") for kind in ("XYZ", "TRC"))
        if len(point) < 20 or point[:4] != b"XYZ ":
            return False
        xyz = np.frombuffer(point, ">i4", 3, 8) / 65536
        light = _light(curve, levels)
        if light is None or np.abs(xyz - colorant).max() > NEAR_COLORANTS or np.abs(light - wanted).max() > NEAR_CURVE:
            return False
    return True


def _tags(icc):
    """{signature: content} of a profile (7.3); what lies outside of it is absent."""
    found = {}
    for number in range(min(int.from_bytes(icc[128:132], "big"), (len(icc) - 132) // 12)):
        name, at, size = struct.unpack_from(">4sII", icc, 132 + 12 * number)
        if at + size <= len(icc):
            found[name] = icc[at : at + size]
    return found


def _light(curve, levels):
    """A curveType (10.6) or parametricCurveType (10.18) at levels of 0..1; None for others, and damaged ones."""
    if curve[:4] == b"curv" and len(curve) >= 12:
        count = int.from_bytes(curve[8:12], "big")
        if len(curve) < 12 + 2 * count:
            return None
        table = np.frombuffer(curve, ">u2", count, 12)
        if count < 2:
            return levels ** (table[0] / 256 if count else 1)
        return np.interp(levels, np.linspace(0, 1, count), table / 65535)
    # sRGB is stated by function 3: Y = (aX + b)^g from X = d on, else cX.
    if curve[:4] != b"para" or curve[8:10] != b"\0\3" or len(curve) < 32:
        return None
    g, a, b, c, d = (np.frombuffer(curve, ">i4", 5, 12) / 65536).tolist()
    return np.where(levels >= d, np.clip(a * levels + b, 0, 2) ** g, c * levels) if 0 < g < 4 else None
