"""HEIC through pillow-heif, where it is installed, and what is said where it is not."""

import io
import struct
import sys

import numpy as np
import pytest
from PIL import Image

from codec.batch.check import check
from codec.errors import CodecError, MissingPackageError
from codec.formats import pictures

HEAD = b"\0\0\0\x18ftypheic" + bytes(20)


@pytest.fixture
def heif():
    """heif(pixels, **options): a HEIC file."""
    plugin = pytest.importorskip("pillow_heif")
    plugin.register_heif_opener()

    def heif(pixels, **options):
        made = io.BytesIO()
        Image.fromarray(pixels).save(made, "HEIF", quality=90, **options)
        return made.getvalue()

    return heif


def test_without_the_package_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    with pytest.raises(MissingPackageError, match=r"pip install 'codec\[heif\]', or convert it to JPEG first"):
        pictures.load(HEAD)
    (tmp_path / "a.heic").write_bytes(HEAD)
    (found,) = check([str(tmp_path)])
    assert found.status == "ok" and "pillow-heif" in found.reason and found.smaller is None


def test_pixels_are_upright_and_metadata_is_there(heif, picture):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"  # orientation, make
    read = pictures.load(heif(picture(64, 96), exif=exif.tobytes()))
    assert read.format == "HEIF" and read.samples.shape == (96, 64, 3) == pictures.seen(read).shape
    assert np.abs(read.samples.astype(int) - np.rot90(picture(64, 96), -1)).mean() < 20  # 4:2:0
    assert b"maker" in read.metadata.exif and read.warnings == ()


def test_alpha_and_frames(heif, picture):
    clear = np.dstack([picture(64, 64), np.full((64, 64), 100, np.uint8)])
    assert pictures.load(heif(clear), alpha=True).alpha.max() < 255
    several = heif(picture(64, 64), save_all=True, append_images=[Image.fromarray(picture(64, 64, seed=1))])
    assert pictures.load(several).frames == 2


def test_what_is_lost_is_said(heif, picture):
    plugin = pytest.importorskip("pillow_heif")
    samples, made = np.full((64, 64, 3), 40_000, np.uint16), io.BytesIO()
    plugin.from_bytes("RGB;16", (64, 64), samples.tobytes()).save(made, quality=90)
    assert "samples were reduced to 8 bits" in pictures.load(made.getvalue()).warnings[0]
    image = Image.fromarray(picture(64, 64))
    image.format, image.info = "HEIF", {"aux": {"urn:hdrgainmap": [2]}, "nclx_profile": {"color_primaries": 9}}
    assert len(list(pictures._lost_of_heif(image, b""))) == 2
    image.info["icc_profile"] = b"profile"
    assert len(list(pictures._lost_of_heif(image, b""))) == 1


def test_a_film_is_not_lost_in_silence(heif, picture):
    xmp = b'<rdf:Description dc:title="hill" GCamera:MotionPhoto="1"/>'
    film = b"ftypmp42" + bytes(range(256))
    source = heif(picture(64, 64), xmp=xmp) + struct.pack(">I4s", len(film) + 8, b"mpvd") + film
    read = pictures.load(source)
    assert read.warnings == (f"its film is not carried over ({len(film) + 8} bytes, a motion photo)",)
    assert b"hill" in read.metadata.xmp and b"MotionPhoto" not in read.metadata.xmp


def test_boxes_are_found_by_their_sizes():
    box, rest = struct.pack(">I4s", 12, b"mpvd") + b"film", struct.pack(">I4s4x", 12, b"ftyp")
    assert pictures._box_bytes(rest + box + rest, b"mpvd") == 12
    assert pictures._box_bytes(rest + b"\0\0\0\0mpvdfilm", b"mpvd") == 12  # to the end
    assert pictures._box_bytes(b"\0\0\0\1mpvd" + struct.pack(">Q", 20) + b"film" + box, b"mpvd") == 32
    assert pictures._box_bytes(struct.pack(">I4s", 20, b"meta") + box + rest, b"mpvd") == 0
    for damaged in (b"", b"\0\0\0\1mpvd", b"\0\0\0\4mpvd" + box, rest[:5]):
        assert pictures._box_bytes(damaged, b"mpvd") == 0


def test_damage_is_an_error_of_ours(heif, picture):
    data, rng = heif(picture(64, 64)), np.random.default_rng(6)
    for _ in range(40):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        try:
            pictures.load(bytes(damaged[: rng.integers(20, 2 * len(data))]))
        except CodecError:
            pass
