"""What a JPEG holds behind its picture: carried over, missed aloud, and never taken from an original in place."""

import io
import struct
import tracemalloc

import numpy as np
import pytest
from PIL import Image

import codec
from codec import batch, jpeg
from codec.batch import CompressTask, DecompressTask, IndexedTask, InPlace, Job, Ledger, PaletteTask
from codec.errors import LimitError, ParameterError
from codec.formats import profiles
from codec.jpeg import EncodeOptions, Metadata, multipicture

Y, X = np.mgrid[:64, :80]
SMOOTH = np.stack([2 * X, 3 * Y, X + Y], -1).astype(np.uint8)
NOISY = np.clip(SMOOTH + np.random.default_rng(6).integers(-20, 20, SMOOTH.shape), 0, 255).astype(np.uint8)
FILM = b"\0\0\0\x14ftypmp42" + bytes(range(256)) * 3
DESCRIPTION = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description dc:title="hill" %b>%b</rdf:Description></rdf:RDF>'
    b"</x:xmpmeta>"
)
DIRECTORY = (
    b'<Container:Directory><rdf:Seq><rdf:li><Container:Item Item:Length="7"/></rdf:li></rdf:Seq></Container:Directory>'
)
MOTION_XMP = DESCRIPTION % (b'GCamera:MotionPhoto="1" GCamera:MicroVideoOffset="780"', DIRECTORY)
GAIN_MAP_XMP = DESCRIPTION % (b'hdrgm:Version="1.0"', DIRECTORY)
LIMITS = codec.Limits()


def motion(quality=95, pixels=NOISY):
    return codec.encode(pixels, quality, metadata=Metadata(xmp=MOTION_XMP), effort=1) + FILM


def several(pixels=NOISY, xmp=None, quality=95):
    """Two pictures with an index (MPF), by Pillow; the second one could be a gain map."""
    buffer = io.BytesIO()
    further = [Image.fromarray(pixels[::2, ::2, 0])]
    Image.fromarray(pixels).save(buffer, "MPO", save_all=True, append_images=further, quality=quality, xmp=xmp or b"")
    return buffer.getvalue()


def second(data):
    with Image.open(io.BytesIO(data)) as image:
        image.seek(1)
        return np.asarray(image)


def further(found):
    """The pictures where the index says that they are."""
    return [found.trailer[at : at + size] for size, at in multipicture.places(found)]


def compressed(data, quality=60, job=None, **options):
    return CompressTask(EncodeOptions(quality=quality), **options)(data, job)


@pytest.mark.parametrize("force", [False, True])
def test_a_film_goes_with_the_picture(force):
    made = compressed(motion(), force=force)
    assert made.data.endswith(FILM) and not made.warnings and made.reason is None
    picture = made.data[: -len(FILM)]
    assert np.array_equal(codec.decode(picture), codec.decode(codec.encode(codec.decode(motion()), 60)))
    assert jpeg.probe(made.data).metadata.xmp == MOTION_XMP and made.facts["metadata"] == {"kept": ["xmp"]}


@pytest.mark.parametrize("quality", [97, 60, 20])
def test_further_pictures_are_where_the_index_says(quality):
    """At quality 97 it is rewritten without loss."""
    source = several()
    made = compressed(source, quality)
    found = multipicture.behind(made.data, LIMITS)
    (other,) = further(found)
    assert np.array_equal(codec.decode(other), codec.decode(source[source.rindex(b"\xff\xd8\xff") :]))
    assert np.array_equal(second(made.data), second(source)) and len(made.data) < len(source)
    assert ("lossless" in made.facts) == (quality == 97) and not made.reason


def with_segment(data, code, payload):
    """Right behind SOI: an index, which counts from where it stands, is behind it."""
    return data[:2] + bytes((0xFF, code)) + (len(payload) + 2).to_bytes(2, "big") + payload + data[2:]


def with_index(data, entries):
    """A JPEG with an index (MPF) of further pictures: their bytes, and where they are behind the picture."""
    count = len(entries) + 1
    # Of "number of images" Pillow gets 1, so that it reads a JPEG.
    head = b"MPF\0MM\0*" + struct.pack(">IHHHIIHHIII", 8, 2, 0xB001, 4, 1, 1, 0xB002, 7, 16 * count, 38, 0)
    distance = len(head) - len(b"MPF\0") + 16 * count + len(data) - len(b"\xff\xd8")
    rows = [(0, 0), *((size, distance + at) for size, at in entries)]
    payload = head + b"".join(struct.pack(">IIIHH", 0, size, offset & 0xFFFFFFFF, 0, 0) for size, offset in rows)
    return with_segment(data, 0xE2, payload)


@pytest.mark.parametrize("srgb", [False, True])
def test_a_gain_map_keeps_its_metadata_and_fits_the_former_colours(srgb):
    icc = profiles.profile(((b"cICP", bytes([12, 13, 0, 1])),), False)
    about = multipicture.ISO_GAIN_MAP + bytes(4)
    source = with_segment(with_segment(several(xmp=GAIN_MAP_XMP), 0xE2, b"ICC_PROFILE\0\1\1" + icc), 0xE2, about)
    made = compressed(source, srgb=srgb)
    found = multipicture.behind(made.data, LIMITS)
    assert found.contents == ("an HDR gain map", "further pictures") and (0xE2, about) in found.segments
    assert np.array_equal(codec.decode(*further(found)), second(several()))
    assert jpeg.probe(made.data).metadata.xmp == GAIN_MAP_XMP
    assert ("was made for its former colours" in (made.reason or "")) == srgb


@pytest.mark.parametrize(
    "options, kept",
    [({"max_size": 40}, True), ({"quality": 60}, False), ({"strip": True}, True), ({"strip": "gps"}, False)],
)
def test_unknown_segments_stay_in_an_original(options, kept):
    source = with_segment(codec.encode(NOISY, 95, effort=1), 0xE1, b"FLIR\0\1\2")
    made = compressed(source, carry_all=True, **options)
    assert (made.data is source) == kept and b"FLIR" in made.data
    assert not kept or "1 of APP1 FLIR" in made.reason
    assert b"FLIR" not in compressed(source, strip=True).data


def test_few_of_many_segments_are_named():
    source = codec.encode(NOISY, 95, effort=1)
    for number in range(300):
        source = with_segment(source, 0xE5, b"NAME%d" % number)
    reason = compressed(source).reason
    assert reason.count("APP5 NAME") == 5 and "and 295 more" in reason


def test_sizes_are_those_of_the_whole_file():
    made = CompressTask(EncodeOptions(target="size:5kB"))(motion())
    assert made.data.endswith(FILM) and 4500 < len(made.data) <= 5000
    assert made.facts["target"] == "size:5kB" and made.facts["achieved"] == len(made.data)
    bits = CompressTask(EncodeOptions(target="bpp:8"))(motion())
    assert bits.facts["achieved"] == 8 * len(bits.data) / (64 * 80) <= 8
    with pytest.raises(ParameterError, match="780 bytes behind the picture are carried over; strip='all'"):
        CompressTask(EncodeOptions(target="size:700"))(motion())
    with pytest.raises(ParameterError, match="cannot be reached: .*, beside the 780 bytes that belong behind"):
        CompressTask(EncodeOptions(target="size:900"))(motion())
    assert len(CompressTask(EncodeOptions(target="size:700"), strip=True)(motion()).data) <= 700


@pytest.mark.parametrize("quality", [99, 60])
@pytest.mark.parametrize("options", [{"strip": True}, {"max_size": 40}])
@pytest.mark.parametrize("source", [motion(), several(xmp=GAIN_MAP_XMP)], ids=["film", "pictures"])
def test_what_is_not_carried_over_is_said_in_the_row(source, options, quality):
    made = compressed(source, quality, **options)
    assert multipicture.behind(made.data, LIMITS) is None and b"MPF\0" not in made.data
    assert "are not carried over" in made.reason and made.reason in made.warnings
    assert ("gain map" in made.reason) == (source[-5:] != FILM[-5:])


@pytest.mark.parametrize("source", [motion(), several(xmp=GAIN_MAP_XMP)], ids=["film", "pictures"])
def test_no_xmp_announces_what_is_gone(source):
    made = compressed(source, max_size=40)
    xmp = jpeg.probe(made.data).metadata.xmp
    assert made.facts["metadata"] == {"changed": ["xmp"]} and b'dc:title="hill"' in xmp
    for name in (b"hdrgm:Version", b"Directory", b"Item:", b"MotionPhoto", b"MicroVideo"):
        assert name not in xmp


@pytest.mark.parametrize("form", ["png", "gif"])
def test_other_formats_say_what_they_have_no_place_for(form):
    made = IndexedTask(form, force=True)(motion(), Job("a.jpg", f"out/a.{form}", "out/a.jpg"))
    assert made.status == "done" and f"a {form.upper()} has no place for them" in made.reason
    kept = IndexedTask(form)(motion(40) + bytes(99) * 500 + b"!", Job("a.jpg", f"out/a.{form}", "out/a.jpg"))
    assert kept.status == "kept" and kept.data.endswith(b"!")  # the picture alone would not be smaller


def test_other_verbs_warn_too():
    job = Job("a.jpg", "a.png", None)
    for task in (PaletteTask(), DecompressTask()):
        warnings = [said for said in task(motion(), job).warnings if "behind the picture" in said]
        assert warnings == [
            f"{len(FILM)} bytes behind the picture (a film) are not carried over: a PNG has no place for them"
        ]


def test_a_png_does_not_announce_a_film():
    made = DecompressTask()(motion(), Job("a.jpg", "a.png", None))
    assert b"hill" in made.data and b"MotionPhoto" not in made.data


def test_a_damaged_index_is_not_carried_over():
    source = several()
    at = source.index(b"MPF\0") + 4
    damaged = source[: at + 4] + b"\xff\xff\xff\xff" + source[at + 8 :]
    made = compressed(damaged)
    assert "their multi-picture index is damaged" in made.reason and b"MPF\0" not in made.data
    kept = compressed(damaged, carry_all=True)
    assert kept.status == "kept" and kept.data is damaged


@pytest.mark.parametrize("film", [FILM[:200], FILM, FILM[:20] + b"\xff\xec\0\4\1\2\xff\xd9" + FILM])
def test_an_original_without_its_end_is_kept(film):
    """Where the film begins nobody can tell, also if another segment and EOI seem to be in it."""
    source = motion()[: -len(FILM) - 2] + film
    made = compressed(source, carry_all=True)
    assert made.status == "kept" and made.data is source
    assert made.reason.startswith("its end marker (EOI) is missing") and "another folder" in made.reason


@pytest.mark.parametrize("at", [8001, 0xFFFFFFFF])
def test_an_index_that_leads_behind_the_end_is_damaged(at):
    """It would not fit 32 bits behind a larger picture."""
    picture = codec.encode(NOISY[:16, :16], 5, effort=1)
    source = with_index(picture, [(10, at)]) + b"tail" * 2000
    if at == 0xFFFFFFFF:  # from the header of the index, not from the end of the picture
        named = next(payload for _, payload in multipicture.behind(source, LIMITS).segments)
        source = source.replace(named, named[:-8] + b"\xff\xff\xff\xff" + named[-4:])
    found = multipicture.behind(source, LIMITS)
    assert found.damage == "a picture begins behind the end of the file"
    made = compressed(source, 99, force=True)
    assert made.status == "done" and "index is damaged: a picture begins" in made.reason
    assert compressed(source, 99, carry_all=True).data is source
    assert multipicture.behind(with_index(picture, [(10, 8000)]) + b"tail" * 2000, LIMITS).damage is None


def test_a_jpeg_of_many_segments_is_read_as_far_as_the_limits_allow():
    source = motion()
    for number in range(40):
        source = with_segment(source, 0xFE, b"comment %d" % number)
    segments = len(jpeg.inspect(source)["segments"])
    assert compressed(source, max_size=40, limits=codec.Limits(segments=segments)).status == "done"
    with pytest.raises(LimitError):
        multipicture.alone(source, codec.Limits(segments=30))


def test_coordinates_of_a_film_may_stay():
    assert "may hold coordinates of its own" in compressed(motion(), strip="gps").warnings[-1]
    assert not any("coordinates" in each for each in compressed(motion(), strip="gps", max_size=30).warnings)


@pytest.mark.parametrize("source", [motion(), several()], ids=["film", "pictures"])
@pytest.mark.parametrize(
    "options, status",
    [
        ({}, "done"),
        ({"quality": 99}, "done"),
        ({"srgb": True}, "done"),
        ({"strip": ("gps",)}, "done"),
        ({"strip": True}, "kept"),
        ({"strip": True, "quality": 99}, "kept"),
        ({"max_size": 40}, "kept"),
        ({"max_size": 40, "strip": "thumbnail"}, "kept"),
        ({"max_size": 400}, "done"),
    ],
)
def test_an_original_never_loses_what_is_behind_its_picture(tmp_path, source, options, status):
    icc = profiles.profile(((b"cICP", bytes([12, 13, 0, 1])),), False)
    if options.get("srgb"):
        source = with_segment(source, 0xE2, b"ICC_PROFILE\0\1\1" + icc)
    path = tmp_path / "a.jpg"
    path.write_bytes(source)
    before = multipicture.behind(source, LIMITS)
    encoding = EncodeOptions(quality=options.get("quality", 60))
    task = CompressTask(encoding, carry_all=True, **{key: value for key, value in options.items() if key != "quality"})
    with Ledger(tmp_path / "ledger") as ledger:
        inside = InPlace(ledger, str(tmp_path), None)
        (row,) = batch.run(batch.plan_in_place([str(path)], task), task, in_place=inside)
    made = path.read_bytes()
    assert row.status == status and (made == source) == (status == "kept")
    after = multipicture.behind(made, LIMITS)
    assert after.trailer == before.trailer
    assert further(after) == further(before)
    if status == "kept":
        assert "would be lost: they" in row.reason and "compress it into another folder" in row.reason


def test_a_result_that_lost_it_may_not_replace_its_original():
    task = CompressTask(EncodeOptions(quality=60))
    for source in (motion(), several()):
        bare = multipicture.alone(task(source).data, LIMITS)
        assert "what follows the picture is not there" in task.verify(source, batch.compression.Result(bare))
        assert task.verify(source, task(source)) is None


def test_pictures_that_overlap_are_compared_by_their_places():
    """4000 of 20 kB each are in one trailer: they take no memory but that of the file."""
    source, trailer = with_index(codec.encode(NOISY, 95, effort=1), [(20_000, 0)] * 4000), b"tail" * 5000
    task, source = CompressTask(EncodeOptions(quality=60)), source + trailer
    made = task(source)
    tracemalloc.start()
    assert task.verify(source, made) is None
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 8 << 20
    assert len(multipicture.places(multipicture.behind(made.data, LIMITS))) == 4000
    moved = made.data.replace((20_000).to_bytes(4, "big"), (19_999).to_bytes(4, "big"), 1)
    assert "what follows the picture is not there" in task.verify(source, batch.compression.Result(moved))


def test_a_scaled_picture_never_grows():
    source = codec.encode(NOISY, 5)
    made = compressed(source, 98, max_size=60)
    assert len(made.data) < len(source) and made.facts["width"] == 60
    assert "at quality 98 it would be larger than its source: encoded at 5, its own" in made.warnings
    hopeless = CompressTask(EncodeOptions(target="psnr:45"), max_size=79)(codec.encode(NOISY, 5, effort=9))
    assert hopeless.status == "kept" and hopeless.reason.startswith("scaled down it would not be smaller")
    assert codec.probe(compressed(source, 98, max_size=79, force=True).data).width == 79


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("options", [{}, {"max_size": 40}, {"force": True}])
def test_samples_of_more_than_8_bits_are_not_encoded_again(bits, options):
    deep = (NOISY[..., 0].astype(np.uint16) << 4) + 3
    source = jpeg.encode_lossless(deep, bits=bits).data
    made = compressed(source, 50, **options)
    assert made.status == "kept" and made.data is source
    assert made.reason == f"its samples have {bits} bits, and a new JPEG has 8" + "; it keeps its size" * (
        "max_size" in options
    )


def test_a_target_that_is_missed_without_loss_is_said():
    source = codec.encode(NOISY, 95, effort=1)
    source = source[:2] + b"\xff\xe1\0\x0cFLIR\0\1\2\3\4\5" + source[2:]
    made = CompressTask(EncodeOptions(target="size:2kB"), carry_all=True)(source)
    assert made.facts["lossless"] and made.facts["target"] == "size:2kB" and made.facts["achieved"] == len(made.data)
    assert made.reason.endswith("size:2kB is not reached") and made.warnings[-1] == "size:2kB is not reached"
