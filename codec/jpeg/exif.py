"""Exif numbers that turning or cropping invalidates, changed in place (CIPA DC-008 4.6, TIFF 6.0).

Nothing is moved: makers' notes hold offsets in private formats.
"""

import struct

from .metadata import APP1, EXIF, TIFF_HEADERS

ORIENTATION, EXIF_IFD, WIDTH, HEIGHT, THUMBNAIL, THUMBNAIL_BYTES = 0x0112, 0x8769, 0xA002, 0xA003, 0x0201, 0x0202
GPS_IFD = 0x8825
COLOR_SPACE, COLOR_SPACE_SRGB, UNCALIBRATED = 0xA001, 1, 0xFFFF
SHORT, LONG = 3, 4
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}  # bytes of a value, TIFF 6.0 p. 15

XMP_ORIENTATION = rb"(tiff:Orientation(?:\s*=\s*[\"']|>)\s*)[2-8](?=\s*[\"'<])"  # compiled when it is used


def is_exif(code, payload):
    """Whether a segment begins an Exif block (a long one continues in segments without a TIFF header)."""
    return code == APP1 and payload.startswith(EXIF) and payload[len(EXIF) : len(EXIF) + 4] in TIFF_HEADERS


class ExifNumbers:
    """An Exif block, from its TIFF header on, whose numbers can be read and set. Damaged entries count as absent."""

    def __init__(self, tiff):
        self.tiff = bytearray(tiff)
        self.order = {TIFF_HEADERS[0]: "<", TIFF_HEADERS[1]: ">"}[bytes(tiff[:4])]
        self.first_ifd = self._unpack("I", 4)
        self.main, self.next_ifd = self._directory(self.first_ifd)
        self.photo, _ = self._directory(self._number(self.main, EXIF_IFD))
        self.small, _ = self._directory(self._unpack("I", self.next_ifd))

    def _unpack(self, kind, at):
        try:
            return struct.unpack_from(self.order + kind, self.tiff, at)[0]
        except (struct.error, TypeError):  # past the end, or no offset
            return None

    def _directory(self, at):
        """({tag: (type, offset of its value)}, offset of the pointer to the next directory)."""
        count = self._unpack("H", at) if at else None
        if count is None:
            return {}, None
        entries = {}
        for entry in range(at + 2, min(at + 2 + 12 * count, len(self.tiff) - 11), 12):
            tag, kind, number = struct.unpack_from(self.order + "HHI", self.tiff, entry)
            if kind in (SHORT, LONG) and number == 1:
                entries.setdefault(tag, (kind, entry + 8))
        return entries, at + 2 + 12 * count

    def _number(self, directory, tag):
        kind, at = directory.get(tag, (LONG, None))
        return self._unpack("H" if kind == SHORT else "I", at)

    def _set(self, directory, tag, value):
        if tag in directory:
            kind, at = directory[tag]
            struct.pack_into(self.order + ("H" if kind == SHORT else "I"), self.tiff, at, value)

    @property
    def orientation(self):
        """As stored, valid or not; None when absent."""
        return self._number(self.main, ORIENTATION)

    def set_upright(self):
        """Orientation 1."""
        self._set(self.main, ORIENTATION, 1)

    def set_size(self, width, height):
        """Size of the picture in samples, where the block has it."""
        self._set(self.photo, WIDTH, width)
        self._set(self.photo, HEIGHT, height)

    @property
    def color_space(self):
        """ColorSpace as stored; None when absent."""
        return self._number(self.photo, COLOR_SPACE)

    def set_srgb(self):
        """ColorSpace sRGB, where the block has the tag."""
        self._set(self.photo, COLOR_SPACE, COLOR_SPACE_SRGB)

    def drop_thumbnail(self):
        """Unlink the thumbnail's directory, and cut a thumbnail that ends the block; returns whether there was one."""
        if not self._unpack("I", self.next_ifd):
            return False
        begin, size = self._number(self.small, THUMBNAIL), self._number(self.small, THUMBNAIL_BYTES)
        struct.pack_into(self.order + "I", self.tiff, self.next_ifd, 0)
        if begin and size and begin > self.next_ifd and begin + size == len(self.tiff):
            del self.tiff[begin:]
        return True

    def erase_thumbnail(self):
        """`drop_thumbnail`, and zeros in place of a thumbnail that does not end the block."""
        begin, size = self._number(self.small, THUMBNAIL), self._number(self.small, THUMBNAIL_BYTES)
        if not self.drop_thumbnail():
            return False
        if begin and size:
            self._blank(begin, size)
        return True

    def _blank(self, begin, size):
        """Zeros from `begin` on, as far as the block goes."""
        end = min(begin + size, len(self.tiff))
        if 8 <= begin < end:
            self.tiff[begin:end] = bytes(end - begin)

    def erase_gps(self):
        """Zeros in place of the GPS directory and its values (DC-008 4.6.6); returns whether there was one.

        Its entry leaves the main directory: the entries behind it, and the pointer to the next directory, move up.
        """
        if GPS_IFD not in self.main:
            return False
        at = self._number(self.main, GPS_IFD)
        count = self._unpack("H", at) or 0
        for entry in range(at + 2, min(at + 2 + 12 * count, len(self.tiff) - 11), 12):
            _, kind, number, value = struct.unpack_from(self.order + "HHII", self.tiff, entry)
            if SIZES.get(kind, 0) * number > 4:
                self._blank(value, SIZES[kind] * number)
        self._blank(at, 2 + 12 * count + 4)
        entry, end = self.main[GPS_IFD][1] - 8, min(self.next_ifd + 4, len(self.tiff))
        self.tiff[entry:end] = self.tiff[entry + 12 : end] + bytes(12)
        entries = self._unpack("H", self.first_ifd)
        struct.pack_into(self.order + "H", self.tiff, self.first_ifd, entries - 1)
        return True


def exif_orientation(segments):
    """EXIF orientation of a picture as stored, valid or not; None when it has none."""
    for code, payload in segments:
        if is_exif(code, payload):
            return ExifNumbers(payload[len(EXIF) :]).orientation
    return None


def upright_orientation(exif):
    """Orientation in an Exif block (identifier optional): 1 to 8; 1 when absent, out of range or damaged.

    >>> from codec.jpeg.exif import upright_orientation
    >>> upright_orientation(None)
    1
    """
    tiff = (exif or b"").removeprefix(EXIF)
    if tiff[:4] not in TIFF_HEADERS:
        return 1
    block = ExifNumbers(tiff)
    kind, _ = block.main.get(ORIENTATION, (None, None))  # DC-008 has it as a SHORT
    return block.orientation if kind == SHORT and block.orientation in range(1, 9) else 1


def resolution_alone(unit, x, y):
    """An Exif block that holds only a density of JFIF: XResolution, YResolution and ResolutionUnit (TIFF 6.0 p. 38)."""
    rationals, unit = 8 + 2 + 3 * 12 + 4, {1: 2, 2: 3}[unit]
    entries = ((0x011A, 5, rationals), (0x011B, 5, rationals + 8), (0x0128, SHORT, unit))
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, 3) + directory + struct.pack("<5I", 0, x, 1, y, 1)


def orientation_alone(orientation):
    """An Exif segment that holds only the orientation."""
    return APP1, EXIF + b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, ORIENTATION, SHORT, 1, orientation, 0, 0)
