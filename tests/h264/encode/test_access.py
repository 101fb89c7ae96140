"""Access units: delimiters, the settings of the encoder as user data, and where decoding can start."""

import io
from fractions import Fraction

import numpy as np
import pytest
from made_clips import assert_decodes_to, by_ffmpeg, cropped, encoded, moving

import codec
from codec.h264.encode.encoder import Encoder
from codec.h264.encode.parameters import Display
from codec.h264.encode.settings import settings_of
from codec.h264.stream.nal import AUD, IDR, NON_IDR, PPS, SEI, SPS, split_byte_stream
from codec.h264.stream.parameter_sets import read_sps
from codec.h264.stream.sei import (
    BUFFERING_PERIOD,
    CONTENT_LIGHT,
    MASTERING_DISPLAY,
    PIC_TIMING,
    RECOVERY_POINT,
    USER_DATA_UNREGISTERED,
    read_sei,
)
from codec.sources.light import Light
from codec.sources.streaming import stream

FRAMES = moving(48, 64, 20)


def types(data):
    return [nal.nal_unit_type for nal in split_byte_stream(data)]


def messages(data):
    """Types of SEI messages, in order."""
    nals = split_byte_stream(data)
    sps = next((read_sps(nal) for nal in nals if nal.nal_unit_type == SPS), None)
    return [message.payloadType for nal in nals if nal.nal_unit_type == SEI for message in read_sei(nal, sps)]


def words(data):
    """The settings that the stream says."""
    found = [message for nal in split_byte_stream(data) if nal.nal_unit_type == SEI for message in read_sei(nal)]
    return [one.payload[16:].decode() for one in found if one.payloadType == USER_DATA_UNREGISTERED]


# ---------------------------------------------------------------- delimiters and settings


def test_delimiters_say_the_types_of_slices():
    """Table 7-5: primary_pic_type 0 has I slices, 1 I and P, 2 all."""
    data, planes, pictures = encoded(FRAMES, aud=True, keyint=8)
    for one in pictures:
        first = split_byte_stream(one.data)[0]
        assert first.nal_unit_type == AUD and first.nal_ref_idc == 0
        assert first.rbsp == bytes([{"I": 0x10, "P": 0x30, "B": 0x50}[one.type]])
    assert_decodes_to(data, planes, 48, 64)
    assert AUD not in types(encoded(FRAMES)[0])


def test_order_of_nal_units():
    """7.4.1.2.3: the delimiter, parameter sets, SEI with the buffering period first, slices."""
    _, _, pictures = encoded(FRAMES, aud=True, keyint=8, open_gop=True, vbv=(800_000, 400_000), slices=2)
    first, second = [one for one in pictures if one.key][:2]
    assert types(first.data) == [AUD, SPS, PPS, SEI, SEI, IDR, IDR]
    assert messages(first.data) == [BUFFERING_PERIOD, PIC_TIMING, USER_DATA_UNREGISTERED]
    assert types(second.data) == [AUD, SPS, PPS, SEI, SEI, NON_IDR, NON_IDR]
    assert messages(second.data) == [BUFFERING_PERIOD, PIC_TIMING, RECOVERY_POINT]


def test_settings_are_said_once_and_can_be_left_out():
    data, _, pictures = encoded(FRAMES, keyint=8, qp=30, preset="fast", tune="psnr", slices=2)
    assert words(data) == [f"codec {codec.__version__}: qp=30 preset=fast tune=psnr keyint=8 slices=2"]
    assert words(encoded(FRAMES, settings_sei=False)[0]) == []
    said = [encoded(FRAMES[:2], threads=threads)[0] for threads in (1, 3)]
    assert said[0] == said[1] and words(said[0]) == [f"codec {codec.__version__}: qp=28 preset=medium"]
    for rate, expected in (
        ({"crf": 23.5}, "crf=23.5"), ({"bitrate": 90000}, "bitrate=90000"),
        ({"bitrate": 90000, "passes": 2}, "bits="), ({}, "crf=23"),
    ):  # fmt: skip
        assert words(codec.encode_video(FRAMES, fps=25, **rate))[0].split(": ")[1].startswith(expected)


# ---------------------------------------------------------------- light of HDR

HDR = Light((13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450, 10_000_000, 50), (1000, 400))


def lit(light=HDR, **options):
    """Access units of a clip in PQ."""
    encoder = Encoder(settings_of(qp=30, **options), Fraction(25), Display(colour=(9, 16), light=light))
    frames = [codec.Frame.from_rgb(frame, matrix="BT.2020") for frame in FRAMES[:10]]
    pictures = [one for frame in frames for one in encoder.encode(frame)] + list(encoder.flush())
    encoder.close()
    return pictures


def test_each_key_picture_says_the_light_after_the_buffering_period():
    pictures = lit(keyint=4, vbv_maxrate=800_000, vbv_bufsize=400_000, open_gop=True, settings_sei=False)
    light, timing = [MASTERING_DISPLAY, CONTENT_LIGHT], [BUFFERING_PERIOD, PIC_TIMING]
    said = {one.number: messages(pictures[0].data + one.data) for one in pictures}
    first = timing + light
    assert said[0] == first + first and said[4] == first + timing + [RECOVERY_POINT] + light
    assert said[5] == first + [PIC_TIMING]
    assert messages(lit(Light(content=(1000, 400)), settings_sei=False)[0].data) == [CONTENT_LIGHT]


def test_ffmpeg_reads_colours_and_light(tmp_path):
    """And so they stay in a clip that is encoded once more, and in frames that PyAV gives."""
    av = pytest.importorskip("av")
    (tmp_path / "a.h264").write_bytes(b"".join(one.data for one in lit(keyint=4)))
    codec.write_video(tmp_path / "b.mp4", tmp_path / "a.h264", fps=25)
    with av.open(str(tmp_path / "b.mp4")) as container:
        frames = list(container.decode(video=0))
    with codec.h264.Encoder(fps=25) as encoder:
        live = b"".join(one.data for frame in frames for one in encoder.encode(frame))
        live += b"".join(one.data for one in encoder.flush())
    assert live == codec.encode_video(frames, fps=25)
    (tmp_path / "c.h264").write_bytes(live)
    for name in "a.h264", "b.mp4", "c.h264":
        opened = stream(tmp_path / name, fps=Fraction(25))
        assert (opened.colour, opened.light) == ((9, 16), HDR)
        opened.close()


# ---------------------------------------------------------------- open GOP


@pytest.mark.parametrize("preset", ["ultrafast", "medium", "slow"])
@pytest.mark.parametrize("keyint", [1, 2, 6])
def test_open_reconstruction_is_what_decoders_show(preset, keyint):
    data, planes, pictures = encoded(FRAMES, preset=preset, keyint=keyint, open_gop=True, threads=2)
    assert_decodes_to(data, planes, 48, 64)
    assert [one.number for one in pictures if one.key] == list(range(0, 20, keyint))
    assert types(data).count(IDR) == 1


@pytest.mark.parametrize("tune", [None, "animation", "zerolatency"])
@pytest.mark.parametrize("point", [1, 2])
def test_decoding_starts_at_any_key_picture(tune, point):
    """From a key picture on all frames are exact, in display order; B pictures before it cannot be shown."""
    _, planes, pictures = encoded(FRAMES, keyint=6, open_gop=True, tune=tune)
    keys = [i for i, one in enumerate(pictures) if one.key]
    start = pictures[keys[point]].number
    rest = b"".join(one.data for one in pictures[keys[point] :])
    wanted = [cropped(one, 48, 64) for one in planes[start:]]
    shown = by_ffmpeg(rest)
    assert len(shown) == len(wanted)
    for a, b in zip(wanted, shown):
        for x, y in zip(a, b):
            np.testing.assert_array_equal(x, y)
    frames = list(codec.decode_video(rest, on_error="conceal"))
    leading, ours = frames[: -len(wanted)], frames[-len(wanted) :]
    assert all(frame.damage for frame in leading) and not any(frame.damage for frame in ours)
    for a, b in zip(wanted, ours):
        for x, y in zip(a, b.planes):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("keyint", [1, 3, 7, 8, 15])
def test_buffering_periods_of_any_length(keyint):
    """cpb_removal_delay counts from the key picture before, which is coded up to b_frames pictures earlier."""
    frames = moving(32, 32, 40)
    data, planes, _ = encoded(frames, keyint=keyint, open_gop=True, tune="animation", vbv=(400_000, 400_000))
    assert_decodes_to(data, planes, 32, 32)


def test_leading_pictures_save_bits():
    closed, _, _ = encoded(FRAMES, keyint=4)
    opened, _, pictures = encoded(FRAMES, keyint=4, open_gop=True)
    assert len(opened) < len(closed)
    order = [one.number for one in pictures]
    assert any(order[i] > order[i + 1] for i in range(len(order) - 1) if pictures[i].key)


def test_pictures_after_a_key_picture_refer_to_nothing_before_it():
    data, _, pictures = encoded(moving(48, 48, 40), preset="slow", keyint=7, open_gop=True, crf=30)
    keys = [i for i, one in enumerate(pictures) if one.key]
    for at in keys[1:]:
        rest = b"".join(one.data for one in pictures[at:])
        frames = list(codec.decode_video(rest, on_error="conceal"))
        assert not any(frame.damage for frame in frames[-(40 - pictures[at].number) :])


def test_containers_mark_key_pictures(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "open.mp4"
    codec.write_video(path, FRAMES, fps=25, keyint=6, open_gop=True, aud=True)
    with av.open(io.BytesIO(path.read_bytes())) as file:
        keys = [packet.pts for packet in file.demux(video=0) if packet.is_keyframe and packet.size]
    assert len(keys) == 4
    assert len(list(codec.decode_video(path))) == 20


@pytest.mark.parametrize("keyint", [2, 3, 5])
@pytest.mark.parametrize("preset", ["fast", "medium"])
def test_decoding_may_begin_at_any_key_picture_of_short_open_groups(keyint, preset):
    """B pictures between two key pictures, coded after the second, must not refer to what was before the first."""
    with codec.h264.Encoder(fps=25, open_gop=True, keyint=keyint, preset=preset, qp=27) as encoder:
        pictures = [picture for frame in moving(64, 48, 24) for picture in encoder.encode(frame)]
        pictures += encoder.flush()
    whole = [frame.to_rgb() for frame in codec.decode_video(b"".join(picture.data for picture in pictures))]
    keys = [at for at, picture in enumerate(pictures) if picture.key]
    assert len(keys) >= 24 // keyint - 1
    for at in keys:
        data = b"".join(picture.data for picture in pictures[at:])
        found = [frame.to_rgb() for frame in codec.decode_video(data, on_error="conceal")]
        shown = len(whole) - pictures[at].number
        assert all(np.array_equal(one, other) for one, other in zip(found[-shown:], whole[-shown:])), pictures[
            at
        ].number
