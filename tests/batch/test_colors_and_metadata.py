"""Colours converted to sRGB on request, and what the rows tell about metadata."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

import codec
from codec.batch import CompressTask, IndexedTask, Ledger, describing, plan, plan_in_place, run
from codec.batch.inplace import InPlace
from codec.formats import profiles
from codec.jpeg import EncodeOptions, Metadata

P3 = profiles.profile(((b"cICP", bytes([12, 13, 0, 1])),), False)
OPTIONS = EncodeOptions(quality=95, subsampling="4:4:4")
GPS = b"II*\0\x08\0\0\0\1\0\x25\x88\4\0\1\0\0\0\x1a\0\0\0\0\0\0\0" + b"\1\0\0\0\1\0\4\0\0\0\2\3\0\0\0\0\0\0"


@pytest.fixture
def picture():
    y, x = np.mgrid[:48, :64]
    return np.stack([60 + 2 * x, 220 - 3 * y, 90 + x + y], -1).astype(np.uint8)


def light(values):
    """sRGB and Display P3 have this curve (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def from_p3(pixels):
    """Display P3 to sRGB by the matrix of their primaries, which have one white."""

    def matrix(points):
        columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in points]).T
        white = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
        return columns * np.linalg.solve(columns, white)

    to_xyz = matrix([(0.68, 0.32), (0.265, 0.69), (0.15, 0.06)])
    of_srgb = matrix([(0.64, 0.33), (0.3, 0.6), (0.15, 0.06)])
    linear = np.clip(light(pixels / 255) @ np.linalg.solve(of_srgb, to_xyz).T, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def off(data, wanted):
    return np.abs(codec.decode(data) - wanted).mean()


def png(pixels, **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", **options)
    return buffer.getvalue()


def tiff(inks):
    buffer = io.BytesIO()
    Image.fromarray(inks, "CMYK").save(buffer, "TIFF")
    return buffer.getvalue()


def exif_of(tag, value):
    """An Exif block with one tag of its photo directory."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[tag] = value
    return exif.tobytes().removeprefix(b"Exif\0\0")


def test_a_profile_is_converted_and_named(picture):
    for data in (
        codec.encode(picture, 98, subsampling="4:4:4", metadata=Metadata(icc=P3)),
        png(picture, icc_profile=P3),
    ):
        made = CompressTask(OPTIONS, srgb=True)(data)
        assert codec.probe(made.data).metadata.icc is None
        assert off(made.data, from_p3(picture)) < 1.5 < off(made.data, picture)
        assert made.facts["metadata"]["converted"][0].endswith(" to sRGB")
        kept = CompressTask(OPTIONS)(data)
        assert kept.facts["metadata"] == {"kept": ["icc"]} and codec.probe(kept.data).metadata.icc == P3


def test_the_colour_chunks_of_a_png_are_converted(picture):
    data = png(picture)
    cicp = b"\0\0\0\4cICP" + bytes([12, 13, 0, 1])
    data = data[:33] + cicp + zlib.crc32(cicp[4:]).to_bytes(4, "big") + data[33:]
    made = CompressTask(OPTIONS, srgb=True)(data)
    assert off(made.data, from_p3(picture)) < 1.5 and made.facts["metadata"]["converted"]
    assert CompressTask(OPTIONS)(data).facts["metadata"] == {"converted": ["cICP to ICC"]}


def test_srgb_needs_no_conversion(picture):
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = codec.encode(picture, 98, metadata=Metadata(icc=icc))
    made = CompressTask(OPTIONS, srgb=True)(data)
    assert made.data == CompressTask(OPTIONS)(data).data and "converted" not in made.facts["metadata"]


def test_a_profile_for_other_samples_is_kept_with_a_warning(picture):
    gray = profiles.profile(((b"gAMA", (1 << 16).to_bytes(4, "big")),), True)
    data = codec.encode(picture, 98, metadata=Metadata(icc=gray))
    made = CompressTask(OPTIONS, srgb=True)(data)
    assert any("not converted to sRGB" in warning for warning in made.warnings)
    assert codec.probe(made.data).metadata.icc == gray and made.facts["metadata"] == {"kept": ["icc"]}


def test_colours_that_no_profile_states_are_flagged(picture):
    inks = np.dstack([picture, picture[..., 0] // 2])
    exif = exif_of(40961, 65535)
    marked = codec.encode(picture, 98, metadata=Metadata(exif=exif))
    srgb = CompressTask(OPTIONS, srgb=True)
    cases = [
        (srgb, codec.encode(inks, 98, color="cmyk")),
        (srgb, codec.encode(inks, 20, color="ycck")),  # rewritten without loss
        (srgb, tiff(inks)),
        (srgb, marked),
        (IndexedTask("png", srgb=True), marked),
        (IndexedTask("gif", srgb=True), marked),
    ]
    for task, data in cases:
        assert sum("could not be converted to sRGB" in warning for warning in task(data).warnings) == 1
        assert not any("sRGB" in warning for warning in CompressTask(OPTIONS)(data).warnings)
    plain = codec.encode(picture, 98, metadata=Metadata(exif=exif_of(40961, 1)))
    assert not any("sRGB" in warning for warning in CompressTask(OPTIONS, srgb=True)(plain).warnings)


def test_gray_stays_gray(picture):
    linear = profiles.profile(((b"gAMA", (100000).to_bytes(4, "big")),), True)
    data = codec.encode(picture[..., 0], 98, metadata=Metadata(icc=linear))
    made = CompressTask(OPTIONS, srgb=True)(data)
    value = picture[..., 0] / 255
    wanted = 255 * np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    assert codec.probe(made.data).color == "gray" and off(made.data, wanted) < 1.5


def test_a_replaced_original_is_compared_in_srgb(picture, tmp_path):
    path = tmp_path / "a.jpg"
    noisy = np.random.default_rng(3).integers(-20, 20, picture.shape) + picture
    data = codec.encode(np.clip(noisy, 0, 255).astype(np.uint8), 99, metadata=Metadata(icc=P3), subsampling="4:4:4")
    path.write_bytes(data)
    task = CompressTask(EncodeOptions(quality=70), srgb=True, carry_all=True)
    with Ledger(tmp_path / "ledger") as ledger:
        inside = InPlace(ledger, str(tmp_path), str(tmp_path / "backup"))
        (row,) = run(plan_in_place([str(path)], task), task, in_place=inside)
    assert row.status == "done" and row.facts["metadata"]["converted"]
    means = [each.reshape(3, 16, 4, 16, 3).mean((1, 3)) for each in (codec.read(path), from_p3(codec.decode(data)))]
    assert np.abs(means[0] - means[1]).max() < 4


def test_an_original_that_stays_says_that_nothing_went(picture, tmp_path):
    path = tmp_path / "a.jpg"
    icc = profiles.profile(((b"gAMA", (55556).to_bytes(4, "big")),), False)  # small
    data = codec.encode(np.tile(picture, (6, 6, 1)), 5, metadata=Metadata(icc=icc))
    path.write_bytes(codec.jpeg.transcode(data).data)
    task = CompressTask(EncodeOptions(target="psnr:50"), srgb=True, carry_all=True)
    with Ledger(tmp_path / "ledger") as ledger:
        inside = InPlace(ledger, str(tmp_path), str(tmp_path / "backup"))
        (row,) = run(plan_in_place([str(path)], task), task, in_place=inside)
    assert row.status == "kept" and "metadata" not in row.facts
    assert row.reason == "in sRGB it would not be smaller (force=True writes it)"


def test_a_bad_jpeg_is_converted_at_its_own_quality(picture):
    data = codec.encode(np.tile(picture, (6, 6, 1)), 5, metadata=Metadata(icc=P3))
    made = CompressTask(EncodeOptions(quality=95), srgb=True)(data)
    assert (
        len(made.data) < len(data)
        and made.facts["metadata"]["converted"]
        and codec.probe(made.data).metadata.icc is None
    )
    assert "at quality 95 it would be larger than its source: encoded at 5, its own" in made.warnings[0]
    forced = CompressTask(EncodeOptions(quality=95), srgb=True, force=True)(data)
    assert len(forced.data) > len(data) and not forced.warnings


def test_the_row_says_what_became_of_each_kind(picture):
    metadata = Metadata(exif=GPS, xmp=b"<x/>", comments=(b"hello",), icc=P3)
    data = codec.encode(picture, 98, metadata=metadata)
    told = lambda **options: CompressTask(OPTIONS, **options)(data).facts["metadata"]
    assert told() == {"kept": ["icc", "exif", "xmp", "comments", "gps"]}
    assert told(strip=("gps",)) == {"kept": ["icc", "xmp", "comments"], "changed": ["exif"], "dropped": ["gps"]}
    assert told(strip=True) == {"kept": ["icc"], "dropped": ["exif", "xmp", "comments", "gps"]}


def test_metadata_that_is_not_read_counts_as_dropped(picture):
    about = PngImagePlugin.PngInfo()
    about.add_text("Author", "somebody")
    made = CompressTask(OPTIONS)(png(picture, pnginfo=about))
    assert made.facts["metadata"] == {"dropped": ["text"]}
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "GIF", comment=b"hello")
    assert describing.not_read(buffer.getvalue(), "GIF") == ("comments",)
    assert "metadata" not in CompressTask(OPTIONS)(png(picture)).facts


def test_a_budget_chooses_the_effort_by_the_size_alone(picture):
    large = np.tile(picture, (16, 16, 1))  # 0.79 megapixels
    effort = lambda seconds, pixels: CompressTask(budget=seconds)(png(pixels)).facts["effort"]
    assert effort("5s", picture) == 9
    assert [effort(seconds, large) for seconds in (0.4, 0.1, 0.02)] == [9, 7, 3]
    made = CompressTask(budget=0.1)(png(large))
    assert made.data == CompressTask(EncodeOptions(effort=7))(png(large)).data
    short = CompressTask(budget="1ms")(png(large))
    assert short.facts["effort"] == 1 and any("budget" in warning for warning in short.warnings)
    with pytest.raises(codec.errors.ParameterError, match="no time"):
        CompressTask(budget="soon")


def test_facts_come_back_from_the_ledger(picture, tmp_path):
    (tmp_path / "a.png").write_bytes(png(picture, icc_profile=P3))
    task = CompressTask(OPTIONS, srgb=True)
    jobs = plan([str(tmp_path / "a.png")], str(tmp_path / "out/"), task)
    with Ledger(tmp_path / "ledger") as ledger:
        (first,), (second,) = (run(jobs, task, ledger=ledger) for _ in range(2))
    assert (first.status, second.status) == ("done", "skipped") and first.facts == second.facts
