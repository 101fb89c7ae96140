"""Clips in the report: the numbers of every frame and the shown frame, against the encoder and plain arithmetic."""

import io
import json
import re
from base64 import b64decode

import numpy as np
import pytest
from clips import clip, y4m
from PIL import Image

from codec import Frame, h264, rd
from codec.registry import Codec, Number, names

CLIP = clip(9, 48, 64)


def flat(video, crf):
    """One byte a frame: the mean of its luma; frame 4 comes back black."""
    return [bytes([0 if number == 4 else int(planes[0].mean())]) for number, planes in enumerate(video.frames)]


def flat_frames(packets):
    return [[np.full(shape, packet[0], np.uint8) for shape in ((48, 64), (24, 32), (24, 32))] for packet in packets]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "moving.y4m"
    path.write_bytes(y4m(CLIP))
    return path


@pytest.fixture(scope="module")
def rows(path):
    return list(rd.sweep(path, codecs="h264", crf=(20, 26, 32, 38), metrics=("psnr_y", "psnr")))


@pytest.fixture(scope="module")
def flat_rows(path):
    codec = Codec("flat", flat, flat_frames, {"crf": Number(1, 0, 9)}, version=lambda: "1", media="video")
    return list(rd.sweep(path, codecs=codec, crf=(1, 2), metrics=("psnr_y", "psnr")))


@pytest.fixture
def with_flat(monkeypatch):
    codec = Codec("flat", flat, flat_frames, {"crf": Number(1, 0, 9)}, version=lambda: "1", media="video")
    monkeypatch.setitem(names._registered, "flat", codec)


def data_of(page):
    return json.loads(re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)[1])


def the_entry(page):
    (entry,) = data_of(page)["show"]["entries"]
    return entry


def pixels_of(uri):
    return np.asarray(Image.open(io.BytesIO(b64decode(uri.partition(",")[2]))))


def encoded(row):
    """What the encoder tells about its pictures, in display order, and what a decoder shows."""
    source = [Frame(planes, CLIP.chroma, 8, CLIP.matrix, CLIP.full_range) for planes in CLIP.frames]
    video = h264.encode_frames(source, fps=25, threads=1, metrics="psnr", side_data=True, **row.setting)
    return sorted(video, key=lambda picture: picture.number), list(h264.decode_video(video.data, side_data=True))


def test_every_frame_has_the_numbers_that_the_encoder_gave(rows):
    page = data_of(rd.report(rows, at=(30.0, 60.0)))
    for one in page["show"]["entries"][0]["rates"]:
        (version,) = one["versions"].values()
        pictures, _ = encoded(rows[version["row"]])
        assert version["frames"]["type"] == "".join(picture.type for picture in pictures)
        assert version["frames"]["bits"] == [int(picture.side_data["bits"].sum()) for picture in pictures]
        assert version["frames"]["psnr"] == pytest.approx([picture.psnr[0] for picture in pictures], rel=1e-4)
        mean_qp = [picture.side_data["qp"].mean() for picture in pictures]
        assert version["frames"]["qp"] == pytest.approx(mean_qp, abs=0.051) and version["notes"] == []


def test_the_frame_with_the_largest_errors_of_all_families_is_shown(rows, flat_rows, with_flat):
    page = rd.report(rows + flat_rows, at=60.0, crop=32)
    entry = the_entry(page)
    assert entry["frame"] == 4
    x, y, width, height = entry["crop"]
    window = slice(y, y + height), slice(x, x + width)
    assert np.array_equal(pixels_of(entry["original"]), list(CLIP.pictures())[4][window])
    ours, theirs = entry["rates"][0]["versions"].values()
    _, back = encoded(rows[ours["row"]])
    assert np.array_equal(pixels_of(ours["data"]), back[4].to_rgb()[window])
    assert not pixels_of(theirs["data"])[..., 0].any()
    assert theirs["frames"] == {"psnr": pytest.approx([psnr(flat_planes(n), n) for n in range(9)], rel=1e-4)}
    assert theirs["modes"] is None and theirs["qp"] is None and theirs["bits"] is None and ours["bits"] is not None


def flat_planes(number):
    return flat_frames(flat(CLIP, 1))[number]


def psnr(planes, number):
    return 10 * np.log10(255**2 / np.square(planes[0] - CLIP.frames[number][0].astype(float)).mean())


def test_macroblocks_are_drawn_in_the_crop_and_their_qp_is_mapped(rows):
    entry = the_entry(rd.report(rows, at=60.0, crop=32))
    (version,) = entry["rates"][0]["versions"].values()
    x, y, width, height = entry["crop"]
    picture, back = (found[entry["frame"]] for found in encoded(rows[version["row"]]))
    drawn = h264.overlay(back, ("type", "mv"), scale=2)[2 * y : 2 * (y + height), 2 * x : 2 * (x + width)]
    shown = pixels_of(version["modes"]["data"])
    assert shown.shape == drawn.shape == (2 * height, 2 * width, 3)
    assert np.abs(shown.astype(int) - drawn).mean() < 12  # JPEG
    qp = picture.side_data["qp"]
    assert (version["qp"]["low"], version["qp"]["top"]) == (qp.min(), qp.max())
    told = version["qp"]["low"] + pixels_of(version["qp"]["data"]) / 255 * (qp.max() - qp.min())
    assert told == pytest.approx(np.kron(qp, np.ones((2, 2))), abs=0.1)


def test_quantizers_of_all_families_are_on_one_scale(path):
    rows = list(rd.sweep(path, codecs="h264:preset=ultrafast/medium", crf=(20, 38), metrics="psnr_y"))
    entry = the_entry(rd.report(rows, at=60.0))
    pictures = [encoded(rows[v["row"]])[0][entry["frame"]] for v in entry["rates"][0]["versions"].values()]
    low = min(picture.side_data["qp"].min() for picture in pictures)
    top = max(picture.side_data["qp"].max() for picture in pictures)
    for version, picture in zip(entry["rates"][0]["versions"].values(), pictures):
        assert (version["qp"]["low"], version["qp"]["top"]) == (low, top)
        assert version["qp"]["mean"] == pytest.approx(picture.side_data["qp"].mean(), rel=1e-5)


def test_bits_of_squares_are_a_quarter_of_those_of_their_macroblock(rows):
    entry = the_entry(rd.report(rows, at=60.0))
    (version,) = entry["rates"][0]["versions"].values()
    bits = encoded(rows[version["row"]])[0][entry["frame"]].side_data["bits"]
    squares = pixels_of(version["bits"]["data"]) / 255 * version["bits"]["top"]
    assert squares.shape == (6, 8) and version["bits"]["mean"] == pytest.approx(bits.sum() / 48, rel=1e-5)
    wanted = np.minimum(np.kron(bits / 4, np.ones((2, 2))), version["bits"]["top"])
    assert squares == pytest.approx(wanted, abs=version["bits"]["top"] / 500)


def test_a_codec_that_is_not_here_leaves_the_others(rows, flat_rows):
    entry = the_entry(rd.report(rows + flat_rows, at=60.0))
    ours, theirs = entry["rates"][0]["versions"].values()
    assert ours["data"] and "unknown codec 'flat'" in theirs["reason"] and theirs["frames"] == {"psnr": []}


@pytest.mark.parametrize(
    "change, says",
    [
        ({"image": "/elsewhere/gone.y4m"}, "gone.y4m"),
        ({"sha256": "1" * 64}, "moving.y4m has changed since it was measured"),
    ],
)
def test_a_clip_that_is_gone_or_changed_is_told(rows, change, says):
    entry = the_entry(rd.report([rd.Point(**{**vars(row), **change}) for row in rows]))
    assert says in entry["reason"] and "(9 frames)" not in entry["reason"]
    assert entry["frame"] is None and entry["rates"] == []


def test_a_clip_that_moved_is_found_by_name_and_content(rows, path):
    moved = [rd.Point(**{**vars(row), "image": "/elsewhere/moving.y4m"}) for row in rows]
    assert the_entry(rd.report(moved, images=path.parent))["frame"] is not None


def test_a_clip_of_more_than_eight_bits_is_not_shown(tmp_path):
    (tmp_path / "deep.y4m").write_bytes(y4m(clip(3, depth=10)))
    pack = Codec(
        "deep",
        lambda video, crf: [b"".join((plane & 0xFFF0).tobytes() for plane in planes) for planes in video.frames],
        lambda packets: [planes_of_deep(packet) for packet in packets],
        {"crf": Number(1, 0, 9)},
        media="video",
    )
    entry = the_entry(rd.report(rd.sweep(tmp_path / "deep.y4m", codecs=pack, crf=(1, 2), metrics="psnr_y")))
    assert "deep.y4m has more than 8 bits per sample" in entry["reason"]


def planes_of_deep(data):
    samples = np.frombuffer(data, np.uint16)
    shapes = (48, 64), (24, 32), (24, 32)
    return [part.reshape(shape) for part, shape in zip(np.split(samples, (48 * 64, 48 * 64 + 24 * 32)), shapes)]


def test_what_does_not_fit_is_left_out_and_counted(rows):
    bare = len(rd.report(rows, pictures=0))
    page = rd.report(rows, max_bytes=bare + 9000)
    assert len(page) <= bare + 9000
    show = data_of(page)["show"]
    assert show["left_out"] > 0
    for one in show["entries"][0]["rates"]:
        for version in one["versions"].values():
            assert len(version["frames"]["bits"]) == 9
            assert version["data"] or "reached its size" in version["reason"]


def test_progress_is_told(rows):
    calls = []
    rd.report(rows, at=60.0, progress=lambda *now: calls.append(now))
    assert calls == [(0, 1), (1, 1)]
