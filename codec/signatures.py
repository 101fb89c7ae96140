"""What a file is by its first bytes, for names that do not say it, and the pictures that this package does not read."""

from __future__ import annotations

HEAD_BYTES = 32
PNG = b"\x89PNG\r\n\x1a\n"
JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")

# Suffixes of pictures that are not read here; what they are, for the message.
CAMERA_RAW = (
    ".3fr .ari .arw .bay .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .k25 .kdc .mef .mos .mrw .nef .nrw .orf .pef "
    ".raf .raw .rw2 .rwl .sr2 .srf .srw .x3f"
)
UNREAD = {
    **dict.fromkeys(CAMERA_RAW.split(), "camera raw"),
    **dict.fromkeys((".psd", ".psb"), "Photoshop"),
    ".jxl": "JPEG XL",
    **dict.fromkeys((".jxr", ".wdp", ".hdp"), "JPEG XR"),
    ".dds": "DDS",
    **dict.fromkeys((".eps", ".epsf", ".epsi"), "EPS"),
    ".icns": "ICNS",
    **dict.fromkeys((".ico", ".cur"), "ICO"),
    ".pam": "PAM",
    ".pcx": "PCX",
    ".pfm": "PFM",
    ".sgi": "SGI",
    **dict.fromkeys((".svg", ".svgz"), "SVG"),
    ".exr": "OpenEXR",
    ".hdr": "Radiance HDR",
    ".tga": "TGA",
    ".xcf": "GIMP",
}

# Brands of ISO base media files (ISO/IEC 14496-12 4.3) that hold still pictures.
# Those of HEIF in general (ISO/IEC 23008-12) leave it to the compatible brands whether it is AVIF.
AVIF, GENERAL = {b"avif", b"avis"}, (b"mif1", b"msf1")
BRANDS = {
    **dict.fromkeys(AVIF, "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", *GENERAL), "HEIF"),
    b"crx ": "camera raw",
}
STARTS = (
    (b"\xff\xd8\xff", "JPEG"),
    (PNG, "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"qoif", "QOI"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"8BPS", "Photoshop"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
)


def format_of(head: bytes) -> str | None:
    """The format of a picture by its first `HEAD_BYTES` bytes, as Pillow or `UNREAD` calls it; None for others.

    >>> from codec.signatures import format_of
    >>> format_of(b"GIF89a..."), format_of(b"Dear Sir")
    ('GIF', None)
    """
    named = next((name for start, name in STARTS if head.startswith(start)), None)
    if named:
        return named
    if head[:4] in (b"II*\0", b"MM\0*"):
        return "camera raw" if head[8:10] == b"CR" else "TIFF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        major, size = head[8:12], min(int.from_bytes(head[:4], "big"), len(head))
        compatible = {head[at : at + 4] for at in range(16, size, 4)}
        return "AVIF" if major in GENERAL and compatible & AVIF else BRANDS.get(major)
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "BMP"
    return "PPM" if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace() else None
