"""`codec.h264.Encoder` frame by frame, and what it tells of each picture."""

import math
import threading
from fractions import Fraction

import numpy as np
import pytest
from made_clips import by_ffmpeg, moving

import codec
from codec.h264 import Encoder
from codec.h264.stream.nal import IDR, SPS, split_byte_stream

FRAMES = moving(37, 26, 11)


def all_pictures(encoder, frames):
    with encoder:
        return [picture for frame in frames for picture in encoder.encode(frame)] + encoder.flush()


@pytest.mark.parametrize("threads", [1, 3])
def test_frame_by_frame_gives_the_bytes_of_encode_video(threads):
    pictures = all_pictures(Encoder(fps=25, qp=30, keyint=6, threads=threads), FRAMES)
    assert b"".join(one.data for one in pictures) == codec.encode_video(FRAMES, fps=25, qp=30, keyint=6)
    assert sorted(one.number for one in pictures) == list(range(11))
    assert all(one.bits == 8 * len(one.data) for one in pictures)
    assert {one.number for one in pictures if one.key} == {0, 6}


def test_a_picture_comes_as_soon_as_its_type_is_decided():
    encoder = Encoder(fps=25, preset="ultrafast", threads=1)
    assert [len(encoder.encode(frame)) for frame in FRAMES] == [1] * 11 and encoder.flush() == []
    encoder = Encoder(fps=25, threads=1)  # with a lookahead
    assert [len(encoder.encode(frame)) for frame in FRAMES[:6]] == [0] * 6 and len(encoder.flush()) == 6


ASKED = (2, 3, 9, 17)  # one after another, and in the midst of B pictures


@pytest.mark.parametrize("open_gop", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"preset": "ultrafast", "qp": 30}, {"preset": "ultrafast", "tune": "zerolatency"}, {"preset": "superfast"},
        {"tune": "zerolatency"}, {"tune": "animation", "threads": 3}, {"preset": "placebo", "qp": 30}, {"level": "1"},
        {"bitrate": 40_000, "threads": 3}, {"bitrate": 40_000, "vbv_maxrate": 50_000, "vbv_bufsize": 40_000},
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_key_picture_on_request(options, open_gop):
    """At exactly that frame, an IDR picture from which FFmpeg and our decoder show the same as from the beginning."""
    frames = moving(48, 36, 24)
    with Encoder(fps=25, reconstruction=True, open_gop=open_gop, keyint=11, **options) as encoder:
        pictures = [one for i, frame in enumerate(frames) for one in encoder.encode(frame, keyframe=i in ASKED)]
        pictures += encoder.flush()
    types = {one.number: [nal.nal_unit_type for nal in split_byte_stream(one.data)] for one in pictures}
    idr = [number for number in sorted(types) if IDR in types[number]]
    assert all(SPS in types[number] for number in idr)
    assert idr == sorted({*ASKED, 0})  # no other is due
    for start in (0, *ASKED):
        at = next(i for i, one in enumerate(pictures) if one.number == start)
        assert all(one.number < start for one in pictures[:at]) and all(one.number >= start for one in pictures[at:])
        rest = b"".join(one.data for one in pictures[at:])
        wanted = [one.reconstruction.planes for one in sorted(pictures[at:], key=lambda one: one.number)]
        for shown in (by_ffmpeg(rest), [frame.planes for frame in codec.decode_video(rest)]):
            assert len(shown) == len(wanted)
            for a, b in zip(wanted, shown):
                assert all(np.array_equal(x, y) for x, y in zip(a, b))


def test_a_key_picture_that_is_asked_for_comes_at_once_without_delay():
    with Encoder(fps=25, tune="zerolatency", threads=2) as encoder:
        for i, frame in enumerate(FRAMES):
            (picture,) = encoder.encode(frame, keyframe=i == 5)
            assert (picture.number, picture.key) == (i, i in (0, 5))


def test_key_pictures_are_counted_from_one_that_was_asked_for():
    def keys(asked):
        with Encoder(fps=25, qp=30, keyint=6) as encoder:
            pictures = [one for i, frame in enumerate(FRAMES) for one in encoder.encode(frame, keyframe=i == asked)]
            return {one.number for one in pictures + encoder.flush() if one.key}

    assert keys(0) == {0, 6} and keys(4) == {0, 4, 10} and keys(6) == {0, 6} and keys(10) == {0, 6, 10}


def test_reconstruction_is_what_a_decoder_shows_and_scores_compare_it_with_the_frames():
    frames = [codec.Frame.from_rgb(frame) for frame in FRAMES]
    video = codec.h264.encode_frames(frames, fps=25, qp=30, metrics=("psnr", "ssim"), reconstruction=True)
    decoded = list(codec.decode_video(video.data))
    for picture in video:
        wanted, shown, given = decoded[picture.number], picture.reconstruction, frames[picture.number]
        for i, plane in enumerate(shown.planes):
            rows, columns = plane.shape
            assert np.array_equal(plane, wanted.planes[i][:rows, :columns])
            error = np.mean((plane.astype(float) - given.planes[i]) ** 2)
            assert picture.psnr[i] == pytest.approx(10 * math.log10(255**2 / error))
        assert picture.ssim == tuple(codec.metrics.ssim(a, b) for a, b in zip(given.planes, shown.planes))
    errors = np.mean([[255**2 / 10 ** (one / 10) for one in picture.psnr] for picture in video], 0)
    assert video.psnr == pytest.approx(tuple(10 * np.log10(255**2 / errors)))
    assert video.ssim == pytest.approx(np.mean([picture.ssim for picture in video], 0))
    assert video.bits == 8 * len(video.data) and video.seconds == Fraction(11, 25)
    assert video.kbps == pytest.approx(video.bits / 1000 * 25 / 11)


def test_scores_of_planes_that_are_equal_or_too_small():
    video = codec.h264.encode_frames(np.zeros((2, 16, 16, 3), np.uint8), fps=25, metrics=("psnr", "ssim"))
    assert video.psnr == (math.inf,) * 3 and video.ssim == (1.0, None, None)
    told = video.to_json()
    assert told["psnr"] == {"Y": "inf", "Cb": "inf", "Cr": "inf"} and told["types"] == {"I": 1, "P": 1, "B": 0}
    assert codec.h264.encode_frames(FRAMES, fps=25).psnr is None


def test_an_array_may_be_filled_again():
    buffer, planes = np.empty_like(FRAMES[0]), codec.Frame.from_rgb(FRAMES[0]).planes
    shared = codec.Frame(tuple(plane.copy() for plane in planes))

    def refilled():
        for frame in FRAMES:
            buffer[:] = frame
            yield buffer

    def replaned():
        for frame in FRAMES:
            for plane, new in zip(shared.planes, codec.Frame.from_rgb(frame).planes):
                plane[:] = new
            yield shared

    wanted = codec.encode_video(FRAMES, fps=25)
    assert b"".join(one.data for one in all_pictures(Encoder(fps=25), refilled())) == wanted
    assert b"".join(one.data for one in all_pictures(Encoder(fps=25), replaned())) == wanted


def test_after_the_end():
    threads, encoder = threading.active_count(), Encoder(fps=25)
    assert encoder.flush() == []
    for call in (lambda: encoder.encode(FRAMES[0]), encoder.flush):
        with pytest.raises(codec.ParameterError, match="was flushed"):
            call()
    with Encoder(fps=25, threads=3) as encoder:
        encoder.encode(FRAMES[0])
    encoder.close()
    with pytest.raises(codec.ParameterError, match="was closed"):
        encoder.encode(FRAMES[1])
    assert threading.active_count() == threads


def test_a_frame_that_is_refused_changes_nothing():
    encoder = Encoder(fps=25, qp=30)
    pictures = encoder.encode(FRAMES[0])
    with pytest.raises(codec.ParameterError, match="frame 1 is 26x26 .* frame 0 37x26"):
        encoder.encode(FRAMES[0, :, :26])
    pictures += [one for frame in FRAMES[1:] for one in encoder.encode(frame)] + encoder.flush()
    assert b"".join(one.data for one in pictures) == codec.encode_video(FRAMES, fps=25, qp=30)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"fps": 0}, "fps is 0"),
        ({"metrics": "vmaf"}, "metrics are psnr and ssim, or \\(\\) for none, not 'vmaf'"),
        ({"qp": 20, "crf": 20}, "contradict"),
        ({"quality": 3}, "quality is no option of the encoder; there are qp, crf,"),
        ({"sample_aspect_ratio": (0, 1)}, "sample_aspect_ratio is"),
        ({"sample_aspect_ratio": 2}, "sample_aspect_ratio is 2"),
    ],
)
def test_wrong_options(options, words):
    with pytest.raises(codec.ParameterError, match=words):
        Encoder(**{"fps": 25, **options})


def test_sample_aspect_ratio_is_in_the_stream():
    data = codec.encode_video(FRAMES, fps=25, sample_aspect_ratio=(24, 22))
    assert codec.h264.probe(data).sample_aspect_ratio == (12, 11)


def test_progress_can_cancel_any_way_of_encoding(tmp_path):
    threads = threading.active_count()

    class Enough(Exception):
        pass

    def progress(done):
        if done == 3:
            raise Enough

    for call in (
        codec.encode_video,
        codec.h264.encode_frames,
        lambda *a, **k: codec.write_video(tmp_path / "a.264", *a, **k),
    ):
        with pytest.raises(Enough):
            call(FRAMES, fps=25, progress=progress, threads=2)
    assert threading.active_count() == threads and not list(tmp_path.iterdir())


def test_an_encoder_that_an_error_ended_takes_no_more(monkeypatch):
    """Pictures are missing then, to which later ones would refer."""
    from codec.h264.encode import encoder as module

    def interrupted(*arguments):
        raise KeyboardInterrupt

    frames = moving(64, 48, 4)
    with codec.h264.Encoder(fps=25, tune="zerolatency") as encoder:
        encoder.encode(frames[0])
        with monkeypatch.context() as patch:
            patch.setattr(module.PictureEncoder, "_coded", interrupted)
            with pytest.raises(KeyboardInterrupt):
                encoder.encode(frames[1])
                encoder.flush()
        for use in (lambda: encoder.encode(frames[2]), encoder.flush):
            with pytest.raises(codec.ParameterError, match="ended by an error"):
                use()
