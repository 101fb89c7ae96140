"""The headers of a picture: the state that marker segments build up, and the summary for users."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Tuple

from ..errors import BitstreamError, UnsupportedError
from . import markers
from .exif import upright_orientation
from .metadata import ADOBE, APP0, APP2, APP14, COM, JFIF, MPF, Metadata, read_metadata

if TYPE_CHECKING:
    from typing import Any

SUBSAMPLING_NAMES = {
    (1, 1): "4:4:4",
    (2, 1): "4:2:2",
    (1, 2): "4:4:0",
    (2, 2): "4:2:0",
    (4, 1): "4:1:1",
    (4, 2): "4:1:0",
}


def subsampling_name(components):
    """ "4:2:0" ... where both chroma planes have the same ratio to the others, else the factors, "2x2,2x1,1x2"."""
    factors = [(c.H, c.V) for c in components]
    if len(factors) == 1:
        return "4:0:0"
    (H, V), (h, v) = factors[0], factors[1]
    full = len(set(factors[:1] + factors[3:])) == 1 and len(set(factors[1:3])) == 1
    name = SUBSAMPLING_NAMES.get((H // h, V // v)) if full and H % h == 0 and V % v == 0 else None
    return name or ",".join(f"{H}x{V}" for H, V in factors)


@dataclass(frozen=True)
class ImageInfo:
    """Header of a JPEG.

    Attributes
    ----------
    width, height : int
        Samples per line, lines.
    components : tuple of FrameComponent
        Each with identifier `C`, sampling factors `H` and `V`, quantization table `Tq` (T.81 B.2.2).
    precision : int
        Bits per sample.
    process : str
        "baseline", "extended sequential", "progressive", ... (T.81 Table B.1).
    color : str
        "gray", "ycbcr", "rgb", "cmyk" or "ycck"; "unknown" for other numbers of components.
    metadata : Metadata
    """

    width: int
    height: int
    components: Tuple[markers.FrameComponent, ...]
    precision: int
    process: str
    color: str
    metadata: Metadata = field(default_factory=Metadata, repr=False)

    @property
    def subsampling(self) -> str:
        """ "4:2:0" ..., "4:0:0" for gray, or the factors where they have no name."""
        return subsampling_name(self.components)

    @property
    def orientation(self) -> int:
        """EXIF orientation, 1..8 (CIPA DC-008 4.6.4); 1, upright, where the file has none or an impossible one."""
        return upright_orientation(self.metadata.exif)

    def to_json(self) -> dict[str, Any]:
        """A dict of numbers and strings; metadata by its sizes in bytes."""
        return {
            "width": self.width,
            "height": self.height,
            "precision": self.precision,
            "process": self.process,
            "color": self.color,
            "subsampling": self.subsampling,
            "components": [c._asdict() for c in self.components],
            "metadata": metadata_json(self.metadata),
        }


def metadata_json(metadata):
    sizes = {name: len(value) for name, value in vars(metadata).items() if isinstance(value, bytes)}
    if metadata.comments:
        sizes["comments"] = [len(c) for c in metadata.comments]
    if metadata.density:
        sizes["density"] = list(metadata.density)
    return sizes


class Headers:
    """Tables and headers in force at some point of the data, as its segments set them (B.2).

    guesses: a list for the errors of damaged headers that are guessed, or None, which raises them.
    """

    def __init__(self, data, limits, warnings, guesses=None):
        self.data, self.limits, self.warnings, self.guesses = data, limits, warnings, guesses
        self.quant_tables = {}  # Tq -> steps
        self.huffman_tables = {}  # (Tc, Th) -> (BITS, HUFFVAL)
        self.conditioning = {}  # (0, Tb) -> (L, U), (1, Tb) -> Kx, where they are not the defaults
        self.restart_interval = 0
        self.frame = None
        self.application = []  # (marker code, payload)
        self.metadata_bytes = 0

    def take(self, segment):
        """Follow any segment but SOS."""
        code, data = segment.marker, self.data
        if code == markers.DQT:
            self.quant_tables.update(markers.read_quant_tables(data, segment, self.guesses))
        elif code == markers.DHT:
            for Tc, Th, BITS, HUFFVAL in markers.read_huffman_tables(data, segment, self.guesses):
                self.huffman_tables[Tc, Th] = BITS, HUFFVAL
        elif code == markers.DAC:
            self.conditioning.update(markers.read_conditioning(data, segment))
        elif code == markers.DRI:
            self.restart_interval = markers.read_restart_interval(data, segment, self.guesses)
        elif code in markers.SOF:
            self._take_frame(segment)
        elif 0xE0 <= code <= 0xEF or code == COM:
            self.metadata_bytes += segment.end - segment.offset
            self.limits.check_metadata(self.metadata_bytes)
            self.application.append((code, bytes(data[segment.start : segment.end])))
        elif code in (markers.DHP, markers.EXP):
            raise UnsupportedError(
                f"hierarchical JPEG ({segment.name} at byte {segment.offset}, T.81 Annex J) is not supported"
            )
        elif code == markers.SOI:
            raise BitstreamError(
                "a second SOI inside the image", layer="image", offset=segment.offset, clause="T.81 B.2.1"
            )

    def _take_frame(self, segment):
        if self.frame is not None:
            raise BitstreamError(
                "a second frame header", layer=segment.name, offset=segment.offset, clause="T.81 B.2.1"
            )
        self.frame = markers.read_frame(self.data, segment)
        ids = [c.C for c in self.frame.components]
        if len(set(ids)) < len(ids):
            self.warnings.append(f"component identifiers {ids} are not all different (T.81 B.2.2)")
        self.limits.check_pixels(self.frame.X, max(1, self.frame.Y))

    def _adobe_transform(self):
        for code, payload in self.application:
            if code == APP14 and payload.startswith(ADOBE) and len(payload) >= 12:
                return payload[11]
        return None

    def color(self):
        """The meaning of the components, which T.81 leaves open: JFIF (T.871), else Adobe's marker, else the IJG's
        reading of the identifiers.

        Lossless pictures are RGB unless a marker says otherwise, as libjpeg-turbo reads them.
        """
        components, transform = self.frame.components, self._adobe_transform()
        if len(components) == 1:
            return "gray"
        if len(components) == 4:
            return "ycck" if transform == 2 else "cmyk"
        if len(components) != 3:
            return "unknown"
        if any(code == APP0 and payload.startswith(JFIF) for code, payload in self.application):
            return "ycbcr"
        if transform is not None:
            return "rgb" if transform == 0 else "ycbcr"
        return "rgb" if self.frame.lossless or bytes(c.C for c in components) == b"RGB" else "ycbcr"

    def has_multi_picture(self):
        """Whether the file has an index of further pictures (MPF, CIPA DC-007): gain maps, previews."""
        return any(code == APP2 and payload.startswith(MPF) for code, payload in self.application)

    def info(self):
        frame = self.frame
        return ImageInfo(
            frame.X,
            frame.Y,
            frame.components,
            frame.P,
            markers.PROCESS[frame.SOFn],
            self.color(),
            read_metadata(self.application, self.warnings),
        )

    def resolve_lines(self, end_of_scan):
        """Take Y from the DNL segment where the frame header leaves it open (B.2.5)."""
        if self.frame.Y == 0:
            Y = markers.read_number_of_lines(self.data, end_of_scan)
            self.limits.check_pixels(self.frame.X, Y)
            self.frame = markers.Frame(self.frame.SOFn, self.frame.P, Y, self.frame.X, self.frame.components)
