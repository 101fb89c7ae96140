"""Resource limits for decoding untrusted data."""

from dataclasses import dataclass

from .errors import LimitError, ParameterError

SCAN_COST_PIXELS = 1 << 16  # measured: the header and tables of a scan take about as long as this many pixels
# Each scan of a JPEG sends a bit of a coefficient at least: four components, 64 coefficients, 14 bits (T.81 G.1.1.1.2).
# More repeat what is known.
USEFUL_SCANS = 4 * 64 * 14


@dataclass(frozen=True)
class Limits:
    """Limits checked before memory is allocated or time is spent; per call, never global.

    Attributes
    ----------
    pixels : int
        Largest width x height (default 178 956 970, the limit above which Pillow raises). Nothing else bounds the
        memory for an arithmetic coded file: a hundred bytes can legally be a flat picture of any size.
    scans : int
        Number of scans per picture that is always accepted (default 100).
    scan_pixels : int
        More scans than `scans` are accepted while scans x pixels is at most this (default 2e9). Thousands of scans of a
        thumbnail pass, a decompression bomb does not (LJT-01-003, "Two Issues with the JPEG Standard"). A scan counts
        as at least 65 536 pixels, since its header and tables take time too. More than 3584 never pass: no picture has
        as many bits of coefficients to send.
    segments : int
        Marker segments of any kind, and Huffman tables (default 100 000): each takes a few hundred bytes of memory but
        as few as four in the file.
    metadata_bytes : int
        Largest total size of application and comment segments, including markers and lengths (default 16 MiB).
    file_bytes : int
        Largest compressed input read from a path or file object (default 2 GiB). Video containers at a path are not
        read whole and have no limit.
    nal_bytes : int
        Largest NAL unit of a video (default 64 MiB).
    slices : int
        Slices per picture of a video (default 139 264, the number of macroblocks of the largest H.264 picture).
    dpb_bytes : int
        Memory for the decoded picture buffer of a video (default 2 GiB).
    frames : int
        Frames per video (default 2^31 - 1).
    seconds : int
        Wall-clock time for decoding a video, in seconds (default 10^9: no limit in practice).

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
                f"{width}x{height} is {width * height} pixels; Limits.pixels allows {self.pixels}: pass "
                "limits=Limits(pixels=...) if you trust the data"
            )

    def check_scans(self, scans: int, width: int, height: int) -> None:
        """Raise LimitError for more scans than `scans` and `scan_pixels` allow."""
        if scans > self.scans and (
            scans > USEFUL_SCANS or scans * max(width * height, SCAN_COST_PIXELS) > self.scan_pixels
        ):
            raise LimitError(
                f"{scans} scans over {width}x{height} pixels; Limits allows {self.scans} scans, or up to "
                f"{USEFUL_SCANS} with scans x pixels up to {self.scan_pixels}: pass limits=Limits(scans=...) if you "
                "trust the data"
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
    """The limits of a call; None means the default."""
    if limits is None:
        return DEFAULT_LIMITS
    if not isinstance(limits, Limits):
        raise ParameterError(f"limits must be a codec.Limits, not {type(limits).__name__}")
    return limits
