"""Lossless changes: exact where possible, refused where not, and no metadata is lost without a warning."""

import io
import itertools
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from properties import examples

import codec
from codec import jpeg
from codec.formats.pictures import upright
from codec.jpeg import geometry, markers, read_coefficients, transcode
from codec.jpeg.exif import ExifNumbers, exif_orientation, orientation_alone
from codec.jpeg.metadata import ADOBE, EXIF, MPF, XMP
from codec.jpeg.multipicture import is_index

FACTORS = [
    ((1, 1),),
    ((1, 1),) * 3,
    ((2, 2), (1, 1), (1, 1)),
    ((2, 1), (1, 1), (1, 1)),
    ((1, 2), (1, 1), (1, 1)),
    ((4, 1), (1, 1), (1, 1)),
    ((2, 2),) * 3,
    ((2, 2), (1, 1), (1, 1), (2, 2)),
    ((3, 1), (1, 1), (1, 2)),
]
TURNS = [
    {},
    *({"rotate": r} for r in (90, 180, 270)),
    *({"flip": f} for f in ("horizontal", "vertical", "transpose", "transverse")),
]


def picture(height=48, width=64, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (-(-height // 8), -(-width // 8), channels), dtype=np.uint8)
    fine = rng.integers(-20, 20, (height, width, channels))
    return (coarse.repeat(8, 0).repeat(8, 1)[:height, :width].astype(int) + fine).clip(0, 255).astype(np.uint8)


def jpeg_of(height=48, width=64, segments=(), trailer=b"", **options):
    """A JPEG with given segments after the JFIF segment."""
    data = codec.encode(picture(height, width), **{"quality": 90, "subsampling": "4:4:4", **options})
    extra = b"".join(markers.write_segment(*segment) for segment in segments)
    return data[:20] + extra + data[20:] + trailer


def turned(pixels, rotate=0, flip=None):
    pixels = np.rot90(pixels, -rotate // 90)
    if flip in ("transpose", "transverse"):
        pixels = pixels.swapaxes(0, 1)
    if flip in ("vertical", "transverse"):
        pixels = pixels[::-1]
    return pixels[:, ::-1] if flip in ("horizontal", "transverse") else pixels


def same(found, expected):
    """Equal except for the rounding of the integer inverse transform, which differs upside down (by 1, and
    1.77 times that in blue)."""
    return found.shape == expected.shape and abs(found.astype(int) - expected.astype(int)).max() <= 3


# ---------------------------------------------------------------- rotation and mirroring


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("options", [{}, {"color": "rgb"}], ids=["ycbcr", "rgb"])
def test_pixels_turn_with_the_coefficients(turn, options):
    data = codec.encode(picture(), quality=90, subsampling="4:4:4", **options)
    result = transcode(data, **turn)
    found = codec.decode(result.data)
    assert same(found, turned(codec.decode(data), **turn)) and result.verified
    assert (result.height, result.width) == found.shape[:2]


@pytest.mark.parametrize("turn", TURNS[1:])
def test_subsampled_levels_turn_as_their_own_transform_says(turn):
    """A float DCT of the rotated samples, per component, against the levels of the rotated file."""
    u, x = np.arange(8)[:, None], np.arange(8)
    basis = np.cos((2 * x + 1) * u * np.pi / 16) * np.where(u == 0, np.sqrt(0.5), 1) / 2
    data = jpeg_of(subsampling="4:2:2")
    before, after = read_coefficients(data), read_coefficients(transcode(data, **turn).data)

    def samples(coefficients, i):
        blocks = basis.T @ (coefficients.levels[i] * coefficients.matrices[i].astype(float)) @ basis
        return blocks.swapaxes(1, 2).reshape(8 * blocks.shape[0], 8 * blocks.shape[1])

    for i in range(3):
        assert np.allclose(samples(after, i), turned(samples(before, i), **turn))


@examples(60)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    factors=st.sampled_from(FACTORS),
    how=st.sampled_from(TURNS[1:]),
    edge=st.sampled_from(["keep", "trim"]),
    seed=st.integers(0, 99),
)
def test_turns_of_any_size_and_sampling_can_be_undone(handmade, height, width, factors, how, edge, seed):
    script = tuple(jpeg.scans.ScanSpec((i,)) for i in range(len(factors)))
    source = read_coefficients(handmade(height, width, factors, script=script, seed=seed).data)
    turn = geometry.ROTATIONS[how.get("rotate", 0)].then(geometry.FLIPS[how.get("flip")])
    inverse = next(t for t in every_turn() if turn.then(t) == geometry.Turn())
    try:
        made = geometry.turn(source, turn, edge)
    except codec.ParameterError as error:
        assert "nothing can be mirrored" in str(error)
        return
    back = geometry.turn(made, inverse, edge)
    if edge == "keep":
        assert back.same_levels(source)
    else:
        assert back.same_levels(geometry.crop(source, (0, 0, back.width, back.height))[0])
    assert read_coefficients(jpeg.write_coefficients(made)).same_levels(made)


def every_turn():
    return [geometry.Turn(*flags) for flags in itertools.product((False, True), repeat=3)]


def test_the_eight_turns_are_a_group():
    for a, b in itertools.product(every_turn(), repeat=2):
        source = read_coefficients(jpeg_of(16, 32, subsampling="4:2:2"))
        one_by_one = geometry.turn(geometry.turn(source, a, "perfect"), b, "perfect")
        assert geometry.turn(source, a.then(b), "perfect").same_levels(one_by_one)


def test_four_quarters_and_two_mirrors_are_nothing():
    data = jpeg_of()
    for turn, times in (
        ({"rotate": 90}, 4),
        ({"rotate": 270}, 4),
        ({"rotate": 180}, 2),
        ({"flip": "horizontal"}, 2),
        ({"flip": "transverse"}, 2),
    ):
        made = data
        for _ in range(times):
            made = transcode(made, **turn).data
        assert read_coefficients(made).same_levels(read_coefficients(data))


def test_what_cannot_be_mirrored_exactly_is_refused_cut_or_left():
    data = jpeg_of(50, 60)
    with pytest.raises(codec.ParameterError, match="a width of 60 is no multiple of 8.*edge='trim'"):
        transcode(data, flip="horizontal")
    assert transcode(data, flip="transpose").after  # mirrors nothing
    cut = transcode(data, flip="horizontal", edge="trim")
    assert (cut.width, cut.height) == (56, 50) and "trimmed from 60x50 to 56x50" in cut.done
    assert same(codec.decode(cut.data), codec.decode(data)[:, 55::-1])
    left = codec.decode(transcode(data, flip="horizontal", edge="keep").data)
    assert same(left[:, :56], codec.decode(data)[:, 55::-1]) and np.array_equal(
        left[:, 56:], codec.decode(data)[:, 56:]
    )
    with pytest.raises(codec.ParameterError, match="nothing can be mirrored"):
        transcode(jpeg_of(8, 5), flip="horizontal", edge="trim")


# ---------------------------------------------------------------- crops and gray


def test_a_crop_begins_on_the_grid_and_ends_where_it_was_asked_to():
    data = jpeg_of()
    result = transcode(data, crop=(13, 24, 20, 10))
    assert result.crop == (8, 24, 25, 10) and "8x8" in result.done[0]
    assert np.array_equal(codec.decode(result.data), codec.decode(data)[24:34, 8:33])
    assert transcode(jpeg_of(subsampling="4:2:0"), crop=(24, 24, 8, 8)).crop == (16, 16, 16, 16)
    assert transcode(data, rotate=90, crop=(0, 0, 48, 8)).width == 48  # of the rotated picture


@pytest.mark.parametrize(
    "crop",
    [(0, 0, 65, 8), (60, 0, 5, 5), (-1, 0, 5, 5), (0, 48, 1, 1), (0, 0, 0, 4), (0, 0, 4), (0.0, 0, 4, 4), "4x4+0+0"],
)
def test_a_crop_outside_of_the_picture_is_refused(crop):
    with pytest.raises(codec.ParameterError, match="crop"):
        transcode(jpeg_of(), crop=crop)


@examples(40)
@given(st.data(), st.integers(1, 70), st.integers(1, 70), st.sampled_from(FACTORS))
def test_crops_are_parts_of_the_levels(handmade, data, height, width, factors):
    script = tuple(jpeg.scans.ScanSpec((i,)) for i in range(len(factors)))
    source = read_coefficients(handmade(height, width, factors, script=script).data)
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box = (x, y, data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y)))
    part, (left, top, w, h) = geometry.crop(source, box)
    assert left <= x and left + w == x + box[2] and top <= y and top + h == y + box[3]
    for levels, whole, (H, V) in zip(part.levels, source.levels, source.sampling):
        first = top * V // (8 * source.frame.Vmax), left * H // (8 * source.frame.Hmax)
        assert np.array_equal(
            levels, whole[first[0] : first[0] + levels.shape[0], first[1] : first[1] + levels.shape[1]]
        )


def test_gray_is_the_luminance():
    data = jpeg_of(subsampling="4:2:0")
    result = transcode(data, grayscale=True)
    assert jpeg.probe(result.data).color == "gray" and np.array_equal(
        read_coefficients(result.data).levels[0], read_coefficients(data).levels[0]
    )
    assert transcode(result.data, grayscale=True).kept
    with pytest.raises(codec.ParameterError, match="rgb"):
        transcode(codec.encode(picture(), color="rgb"), grayscale=True)


def test_gray_drops_the_profile_of_rgb():
    profile = bytes(16) + b"RGB " + bytes(100)
    result = transcode(codec.encode(picture(), metadata=jpeg.Metadata(icc=profile)), grayscale=True)
    assert jpeg.probe(result.data).metadata.icc is None and "profile" in result.warnings[0]


# ---------------------------------------------------------------- processes and sizes


@pytest.mark.parametrize("progressive", [None, True, False])
@pytest.mark.parametrize(
    "source", [{"effort": 1}, {"progressive": False}, {"progressive": True}, {"restart_interval": 2}]
)
def test_recompression_keeps_every_pixel(progressive, source):
    data = jpeg_of(49, 63, subsampling="4:2:0", **source)
    result = transcode(data, progressive=progressive)
    assert np.array_equal(codec.decode(result.data), codec.decode(data)) and result.verified
    if progressive is None:
        assert result.after <= result.before == len(data)
    else:
        assert (result.process == "progressive") == progressive


def test_a_file_that_would_grow_is_kept():
    first = transcode(jpeg_of(effort=1))
    second = transcode(first.data)
    assert second.kept and second.data == first.data and second.done == () and second.after == second.before
    assert not first.kept and first.done


def test_what_was_asked_for_is_done_even_if_it_grows():
    data = transcode(jpeg_of()).data
    grown = transcode(data, restart_interval=1)
    assert grown.after > grown.before and not grown.kept and jpeg.inspect(grown.data)["restart_interval"] == 1


@pytest.mark.parametrize(
    "options, words",
    [
        ({"rotate": 45}, "rotate"),
        ({"rotate": True}, "rotate"),
        ({"flip": "diagonal"}, "flip"),
        ({"edge": "trimm"}, "did you mean 'trim'"),
        ({"metadata": ("icc", "exiv")}, "did you mean 'exif'"),
        ({"metadata": "some"}, "metadata"),
        ({"trailer": "cut"}, "trailer"),
        ({"progressive": 1}, "progressive"),
        ({"on_error": "ignore"}, "on_error"),
    ],
)
def test_wrong_options_are_refused(options, words):
    with pytest.raises(codec.ParameterError, match=words):
        transcode(jpeg_of(), **options)


def test_damage_is_refused_or_concealed_on_request():
    data = jpeg_of(progressive=False)[:-600]
    with pytest.raises(codec.TruncatedError):
        transcode(data)
    result = transcode(data, on_error="conceal")
    assert "MCUs lost" in result.warnings[-1] and not result.kept
    assert np.array_equal(codec.decode(result.data), jpeg.decode(data, on_error="conceal").pixels)


def test_a_wrong_result_would_be_found(monkeypatch):
    other, source = codec.encode(picture()), codec.encode(picture(seed=1))
    monkeypatch.setitem(transcode.__globals__, "write_coefficients", lambda coefficients, **settings: other)
    with pytest.raises(codec.CodecError, match="does not hold the coefficients"):
        transcode(source)


# ---------------------------------------------------------------- orientation


def exif(orientation, order="<", kind=3):
    """A TIFF block with orientation, an Exif directory with the size, and a thumbnail at the end."""
    thumbnail = b"\xff\xd8thumb\xff\xd9"
    ifd0 = (
        struct.pack(order + "H", 2)
        + struct.pack(order + "HHIHH", 0x0112, kind, 1, orientation, 0)
        + struct.pack(order + "HHII", 0x8769, 4, 1, 38)
    )
    photo = (
        struct.pack(order + "H", 2)
        + struct.pack(order + "HHII", 0xA002, 4, 1, 64)
        + struct.pack(order + "HHIHH", 0xA003, 3, 1, 48, 0)
        + bytes(4)
    )
    ifd1 = (
        struct.pack(order + "H", 2)
        + struct.pack(order + "HHII", 0x0201, 4, 1, 98)
        + struct.pack(order + "HHII", 0x0202, 4, 1, len(thumbnail))
        + bytes(4)
    )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return head + ifd0 + struct.pack(order + "I", 38 + len(photo)) + photo + ifd1 + thumbnail


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_auto_rotate_applies_the_tag_and_sets_it_to_1(orientation, order):
    xmp = b'<x tiff:Orientation="%d"/>' % orientation
    data = jpeg_of(segments=[(0xE1, EXIF + exif(orientation, order)), (0xE1, XMP + xmp)])
    result = transcode(data, auto_rotate=True)
    assert same(codec.decode(result.data), upright(codec.decode(data), orientation))
    metadata = jpeg.probe(result.data).metadata
    numbers = ExifNumbers(metadata.exif)
    assert numbers.orientation == 1 and b'Orientation="1"' in metadata.xmp
    assert struct.unpack_from(order + "I", metadata.exif, 48) == (result.width,) and struct.unpack_from(
        order + "H", metadata.exif, 60
    ) == (result.height,)
    assert (b"thumb" in metadata.exif) == (orientation == 1)  # of the old shape
    with Image.open(io.BytesIO(result.data)) as image:
        assert image.getexif()[0x0112] == 1 and image.getexif().get_ifd(0x8769)[0xA002] == result.width


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_counts_as_upright(orientation):
    data = jpeg_of(segments=[orientation_alone(orientation)])
    result = transcode(data, auto_rotate=True)
    assert f"EXIF orientation {orientation} is not in 1..8" in result.warnings[0]
    assert same(codec.decode(result.data), codec.decode(data))
    assert exif_orientation(read_coefficients(transcode(data).data).segments) == orientation  # otherwise unchanged


def test_without_a_tag_there_is_nothing_to_turn():
    assert transcode(jpeg_of(), auto_rotate=True).done == transcode(jpeg_of()).done
    broken = jpeg_of(segments=[(0xE1, EXIF + b"II*\0\xff\xff\xff\xff")])
    assert transcode(broken, auto_rotate=True, rotate=90).width == 48


def test_auto_rotate_comes_before_rotate():
    data = jpeg_of(segments=[orientation_alone(6)])
    assert read_coefficients(transcode(data, auto_rotate=True, rotate=270).data).same_levels(read_coefficients(data))


def test_a_turn_beside_an_orientation_is_said():
    assert "auto_rotate" in transcode(jpeg_of(segments=[orientation_alone(6)]), rotate=90).warnings[0]


@examples(200)
@given(
    st.binary(max_size=80),
    st.sampled_from([b"II*\0", b"MM\0*"]),
    st.lists(st.tuples(st.integers(0, 140), st.integers(0, 255)), max_size=4),
)
def test_damaged_exif_is_as_good_as_none(junk, head, changes):
    for tiff in (bytearray(head + junk), bytearray(exif(6))):
        for at, value in changes:
            if 4 <= at < len(tiff):
                tiff[at] = value
        numbers = ExifNumbers(bytes(tiff))
        numbers.set_upright()
        numbers.set_size(64, 48)
        numbers.drop_thumbnail()


# ---------------------------------------------------------------- metadata

ALL = [
    orientation_alone(1),
    (0xE1, XMP + b"<x/>"),
    (0xE2, b"ICC_PROFILE\0\1\1profile"),
    (0xED, b"Photoshop 3.0\0" + b"8BIM\4\4\0\0\0\0\0\0"),
    (0xFE, b"hello"),
    (0xE7, b"private"),
]


def test_metadata_is_kept_in_order_by_default():
    source = jpeg_of(segments=ALL)
    assert read_coefficients(transcode(source).data).segments == read_coefficients(source).segments


@pytest.mark.parametrize(
    "keep, left", [("none", []), ("icc", [2]), (("exif", "xmp"), [0, 1]), (["iptc", "comments", "other"], [3, 4, 5])]
)
def test_metadata_is_kept_by_kind(keep, left):
    result = transcode(jpeg_of(segments=ALL), metadata=keep)
    assert read_coefficients(result.data).segments[1:] == tuple(ALL[i] for i in left)
    assert sum("dropped" in what for what in result.done) == 6 - len(left)


def test_the_meaning_of_the_components_always_stays():
    data = codec.encode(picture(channels=4), color="ycck")
    result = transcode(data, metadata="none")
    assert np.array_equal(codec.decode(result.data), codec.decode(data)) and any(
        p.startswith(ADOBE) for _, p in read_coefficients(result.data).segments
    )


def test_the_orientation_outlives_its_exif():
    result = transcode(jpeg_of(segments=[(0xE1, EXIF + exif(6))]), metadata="none")
    assert (
        exif_orientation(read_coefficients(result.data).segments) == 6
        and len(jpeg.probe(result.data).metadata.exif) == 26
    )
    turned = transcode(jpeg_of(segments=[(0xE1, EXIF + exif(6))]), metadata="none", auto_rotate=True)
    assert jpeg.probe(turned.data).metadata.exif is None and turned.height == 64


def test_density_turns_too_and_thumbnails_of_jfif_go():
    data = codec.encode(picture(), metadata=jpeg.Metadata(density=(1, 300, 150)), subsampling="4:4:4")
    data = data[:20] + markers.write_segment(0xE0, b"JFXX\0\x10") + data[20:]
    result = transcode(data, rotate=90)
    assert jpeg.probe(result.data).metadata.density == (1, 150, 300) and b"JFXX" not in result.data
    assert b"JFXX" in transcode(data).data


# ---------------------------------------------------------------- data after the picture


def with_gain_map(order="<", xmp=b'<x hdrgm:Version="1.0"/>', **options):
    """A picture followed by a second one, with an MPF index and gain-map metadata; returns (file, second picture)."""
    second, padding = codec.encode(picture(16, 16), quality=50), b"\0" * 5
    entries = lambda size, offset: b"".join(
        struct.pack(order + "IIIHH", *e) for e in ((0x30000, size, 0, 0, 0), (0, len(second), offset, 0, 0))
    )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(
        order + "IHHHIIHHIII", 8, 2, 0xB001, 4, 1, 2, 0xB002, 7, 32, 38, 0
    )
    build = lambda size, offset: jpeg_of(
        segments=[(0xE1, XMP + xmp), (0xE2, MPF + head + entries(size, offset))], **options
    )
    size = len(build(0, 0))
    at = build(0, 0).index(MPF) + 4
    return build(size, size + len(padding) - at) + padding + second, second


def found_by_index(data):
    at = data.index(MPF) + 4
    order = "<" if data[at : at + 2] == b"II" else ">"
    (_, size, zero, _, _), (_, length, offset, _, _) = struct.iter_unpack(order + "IIIHH", data[at + 38 : at + 70])
    assert zero == 0
    return data[:size], data[at + offset : at + offset + length]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"progressive": False}, {"metadata": ("xmp",)}])
def test_a_gain_map_is_found_where_its_index_says(order, options):
    data, second = with_gain_map(order, effort=1)
    assert found_by_index(data)[1] == second
    result = transcode(data, **options)
    primary, other = found_by_index(result.data)
    assert other == second and result.data.endswith(second) and result.before != result.after
    assert np.array_equal(codec.decode(primary), codec.decode(data)) and primary.endswith(b"\xff\xd9")


def test_pillow_finds_the_second_picture_too():
    data, second = with_gain_map(effort=1, xmp=b"<x/>")  # a gain map it would not count
    with Image.open(io.BytesIO(transcode(data).data)) as image:
        assert image.n_frames == 2
        image.seek(1)
        assert np.array_equal(np.asarray(image.convert("RGB")), codec.decode(second))


@pytest.mark.parametrize("options", [{"rotate": 90}, {"crop": (0, 0, 8, 8)}, {"grayscale": True}])
def test_a_gain_map_that_would_no_longer_fit_is_refused_or_dropped(options):
    data, _ = with_gain_map()
    with pytest.raises(codec.ParameterError, match="trailer='drop'"):
        transcode(data, **options)
    result = transcode(data, trailer="drop", **options)
    read = read_coefficients(result.data)
    assert (
        not read.trailer
        and not any(is_index(*segment) for segment in read.segments)
        and b"hdrgm:Version" not in result.data
    )
    assert any("after the picture" in what for what in result.done)


def test_a_gain_map_needs_its_xmp():
    data, _ = with_gain_map()
    with pytest.raises(codec.ParameterError, match="keep 'xmp'"):
        transcode(data, metadata="none")
    assert transcode(data, metadata="none", trailer="drop").after < len(data)


def test_padding_behind_the_picture_stands_in_nobodys_way():
    assert transcode(jpeg_of(trailer=bytes(100)), rotate=90).data.endswith(bytes(100))


def test_a_film_is_kept_and_its_announcement_goes_with_it():
    data = jpeg_of(segments=[(0xE1, XMP + b'<x GCamera:MotionPhoto="1"/>')], trailer=b"ftypmp42 film")
    assert transcode(data).data.endswith(b"film")
    assert b"MotionPhoto" not in transcode(data, trailer="drop").data


@pytest.mark.parametrize("at, value", [(38 + 24, 50), (26, 33), (30, 60), (4, 0xFFFFFFFF), (22, 0)])
def test_a_damaged_index_is_refused(at, value):
    data, _ = with_gain_map(effort=1)
    data = bytearray(data)
    struct.pack_into("<I", data, data.index(MPF) + 4 + at, value)
    with pytest.raises(codec.BitstreamError, match="trailer='drop'"):
        transcode(bytes(data))
    assert transcode(bytes(data), trailer="drop").after < len(data)


@pytest.mark.parametrize("cut, warning", [(1, "ends before 1 of the pictures"), (None, "holds none of its further")])
def test_pictures_that_a_cut_file_lacks_are_said(cut, warning):
    data, second = with_gain_map(effort=1, xmp=b"<x/>")
    data = data[: -(cut or len(second) + 5)]
    result = transcode(data)
    assert [warning in each for each in result.warnings] == [True]
    assert np.array_equal(codec.decode(result.data), codec.decode(data))
    if cut:
        primary, other = found_by_index(result.data)
        assert other == second[:-1] and primary.endswith(b"\xff\xd9")
    else:
        assert not any(is_index(*segment) for segment in read_coefficients(result.data).segments)
        assert transcode(data, rotate=90).width == 48


def test_a_signature_that_no_longer_holds_is_said():
    data = jpeg_of(segments=[(0xEB, b"JP\0\1\0\0\0\1\0\0\0\40jumb\0\0\0\30jumdc2pa")], effort=1)
    assert "C2PA manifest" in transcode(data).warnings[0]
    assert not transcode(data, metadata="none").warnings
    again = transcode(transcode(data).data)
    assert again.kept and not again.warnings
