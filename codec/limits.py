"""What a decoder may be asked for by data that nobody vouches for."""

from dataclasses import dataclass

from .errors import LimitError, ParameterError

SCAN_COST_PIXELS = 1 << 16  # measured: the header and tables of a scan take about as long as these many pixels


@dataclass(frozen=True)
class Limits:
    """Bounds that are checked before memory is allocated or time is spent; per call, never global.

    Attributes
    ----------
    pixels : int
        Largest width x height (default 178 956 970, the bound that Pillow uses for its error). Nothing else bounds the memory that an
        arithmetic coded file asks for: a hundred bytes of it can legally be a flat picture of any size.
    scans : int
        Scans of a picture that are always accepted (default 100).
    scan_pixels : int
        Beyond `scans`, more are accepted while scans x pixels stays below this (default 2e9), so that
        thousands of scans over a thumbnail pass and a bomb does not (LJT-01-003, "Two Issues with the JPEG Standard").
        A scan counts as 65 536 pixels at least, because its header and tables take time too.
    segments : int
        Marker segments of any kind, and Huffman tables (default 100 000): each takes a few hundred bytes of memory, but
        only four in the file.
    metadata_bytes : int
        Largest sum of all application and comment segments, markers and lengths included (default 16 MiB).
    file_bytes : int
        Largest compressed input that is read from a path or file object (default 2 GiB).
    nal_bytes : int
        Largest NAL unit of a video (default 64 MiB).
    slices : int
        Slices of a picture of a video (default 139 264: as many as the largest picture of H.264 has macroblocks).
    dpb_bytes : int
        Memory of the decoded pictures that a video may ask to be kept (default 2 GiB).
    frames : int
        Frames of a video (default 2^31 - 1).
    seconds : int
        Time of decoding a video, in seconds of the caller's clock (default 10^9: none in practice).

    Examples
    --------
    >>> import codec
    >>> codec.Limits(pixels=1_000_000).pixels
    1000000
    """

    pixels: int = 178_956_970
    scans: int = 100
    scan_pixels: int = 2_000_000_000
    segments: int = 100_000
    metadata_bytes: int = 16 << 20
    file_bytes: int = 2 << 30
    nal_bytes: int = 64 << 20
    slices: int = 139_264
    dpb_bytes: int = 2 << 30
    frames: int = (1 << 31) - 1
    seconds: int = 10**9

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ParameterError(f"Limits.{name} must be a positive integer, not {value!r}")

    def check_pixels(self, width: int, height: int) -> None:
        """Raise LimitError for a picture of more than `pixels`."""
        if width * height > self.pixels:
            raise LimitError(
                f"{width}x{height} is {width * height} pixels; Limits.pixels allows {self.pixels}: pass limits=Limits(pixels=...) if you trust the data"
            )

    def check_scans(self, scans: int, width: int, height: int) -> None:
        """Raise LimitError for more scans than `scans` and `scan_pixels` allow."""
        if scans > self.scans and scans * max(width * height, SCAN_COST_PIXELS) > self.scan_pixels:
            raise LimitError(
                f"{scans} scans over {width}x{height} pixels; Limits allows {self.scans} scans, or scans x pixels up to {self.scan_pixels}"
            )

    def check_segments(self, segments: int) -> None:
        """Raise LimitError for more marker segments than `segments`."""
        if segments > self.segments:
            raise LimitError(
                f"more than {self.segments} marker segments or tables; raise Limits.segments if you trust the data"
            )

    def check_metadata(self, size: int) -> None:
        """Raise LimitError for more than `metadata_bytes`."""
        if size > self.metadata_bytes:
            raise LimitError(
                f"more than {self.metadata_bytes} bytes of metadata; raise Limits.metadata_bytes if you trust the data"
            )


DEFAULT_LIMITS = Limits()


def checked_limits(limits: Limits | None) -> Limits:
    """The limits of a call: None stands for the default."""
    if limits is None:
        return DEFAULT_LIMITS
    if not isinstance(limits, Limits):
        raise ParameterError(f"limits must be a codec.Limits, not {type(limits).__name__}")
    return limits
