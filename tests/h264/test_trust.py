"""Damage travels with references: no picture is wrong without a word, and none that is right is flagged."""

import hashlib

import crafted_h264 as crafted
import numpy as np
import pytest
from crafted_h264 import Stream, header, sps_of

import codec
from codec.h264.stream.nal import split_byte_stream, write_byte_stream
from codec.h264.stream.sei import RECOVERY_POINT, RecoveryPoint, read_sei, write_payload, write_sei


def decoded(nals, **options):
    return list(codec.decode_video(write_byte_stream(nals), **options))


def flags(frames):
    return [bool(frame.damage) for frame in frames]


def copies(count, *, intra=(), slices=1):
    """An IDR picture and copies of it; the pictures in `intra` are new ones of I slices."""
    stream = Stream()
    last = stream.intra(header(0, 0, idr=True), slices=slices)
    for i in range(1, count):
        head = header(i % 16, 2 * i)
        last = stream.intra(head, slices=slices) if i in intra else stream.copy(head, last)
    return stream


@pytest.mark.parametrize("on_error", ["raise", "conceal"])
def test_a_stream_joined_at_a_p_picture(on_error):
    """Damage ends at the first intra picture, since no later one refers to pictures before it."""
    stream = copies(8, intra=[5])
    del stream.nals[2]
    frames = decoded(stream.nals, on_error=on_error)
    assert flags(frames) == [True] * 4 + [False] * 3
    assert "predicted from missing or damaged pictures" in frames[0].damage.errors[-1]
    assert not frames[0].damage.macroblocks.any() and frames[0].damage.offsets[0] > 0
    assert flags(decoded(stream.nals, on_error="skip")) == [False] * 3


def test_damage_of_a_picture_is_damage_of_those_predicted_from_it():
    stream = copies(8, intra=[2, 5], slices=2)
    del stream.nals[5]  # the second slice of picture 2
    frames = decoded(stream.nals, on_error="conceal")
    assert flags(frames) == [False, False, True, True, True, False, False, False]
    assert frames[2].damage.macroblocks.any() and not frames[3].damage.macroblocks.any()
    assert len(decoded(stream.nals, on_error="skip")) == 5


def test_after_an_error_the_frames_predicted_from_the_damaged_one_are_flagged():
    stream = copies(6, intra=[2, 4], slices=2)
    del stream.nals[5]
    decoder = codec.h264.Decoder()
    with pytest.raises(codec.BitstreamError, match="macroblocks of the picture are missing"):
        decoder.feed(write_byte_stream(stream.nals))
    assert flags(decoder.feed(b"") + decoder.flush()) == [False, False, True, True, False, False]


def test_a_lost_reference_frame():
    stream = copies(8, intra=[6])
    del stream.nals[4]
    assert flags(decoded(stream.nals, on_error="conceal")) == [False, False] + [True] * 3 + [False] * 2


def test_a_lost_reference_frame_where_gaps_are_allowed():
    """The stand-in counts, not the gap: a stream may leave out frames that nothing refers to."""
    stream = Stream(sps_of(gaps_in_frame_num_value_allowed_flag=1))
    last = stream.intra(header(0, 0, idr=True))
    last = stream.copy(header(2, 4), last)
    stream.copy(header(3, 6), last)
    stream.intra(header(5, 10))
    assert flags(decoded(stream.nals, on_error="conceal")) == [False, True, True, False]


def test_two_reference_frames_with_one_frame_num():
    """The IDR picture between them was lost."""
    stream = copies(18)
    last = stream.intra(header(0, 0, idr=True, idr_pic_id=1))
    stream.copy(header(1, 2), last)
    del stream.nals[-2]
    with pytest.raises(codec.BitstreamError, match="two reference frames have frame_num 1"):
        decoded(stream.nals)
    assert [frame.poc for frame in decoded(stream.nals, on_error="conceal") if frame.damage] == [2]


@pytest.mark.parametrize("count", [0, 2])
def test_a_recovery_point_ends_damage(count):
    """D.2.8: pictures are right from recovery_frame_cnt frames after the message on."""
    stream = copies(9)
    point = (RECOVERY_POINT, write_payload(RecoveryPoint(count, 1, 0, 0)))
    stream.nals.insert(6, write_sei([point]))  # before picture 4
    del stream.nals[2]
    assert flags(decoded(stream.nals, on_error="conceal")) == [True] * (3 + count) + [False] * (5 - count)


def test_a_loss_after_the_recovery_point_message_counts():
    stream = copies(9)
    stream.nals.insert(6, write_sei([(RECOVERY_POINT, write_payload(RecoveryPoint(3, 1, 0, 0)))]))
    del stream.nals[8]  # picture 5
    assert flags(decoded(stream.nals, on_error="conceal")) == [False] * 5 + [True] * 3


@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_field(lost):
    """Its lines are copies of those of the other field. Before a stream has pairs, a single field is as it should be."""
    sps = sps_of(2, 4, frame_mbs_only_flag=0)
    stream, pictures = Stream(sps), 5
    for number in range(pictures):
        for parity in (0, 1):
            head = header(
                number, 2 * number + parity, not number and not parity, field_pic_flag=1, bottom_field_flag=parity
            )
            planes = crafted.samples(sps, 2 * number + parity, field=True)
            stream.nals.append(crafted.slice_of(head, sps, stream.pps, planes, list(range(4))))
    assert flags(decoded(stream.nals)) == [False] * pictures
    del stream.nals[2 + 2 * 2 + lost]
    for on_error in ("raise", "conceal"):
        frames = decoded(stream.nals, on_error=on_error)
        assert flags(frames) == [False, False, True, False, False]
        assert "the other field of the frame is missing" in frames[2].damage.errors[0]


# ---------------------------------------------------------------- streams of an encoder


def clip_of(**options):
    """NAL units of 48 moving pictures by x264, or a skip."""
    av = pytest.importorskip("av")
    try:
        encoder = av.codec.CodecContext.create("libx264", "w")
    except ValueError:
        pytest.skip("PyAV has no x264")
    encoder.width, encoder.height, encoder.pix_fmt = 96, 80, "yuv420p"
    encoder.framerate, encoder.options = 25, {"preset": "medium", "crf": "22", **options}
    rng, data = np.random.default_rng(1), b""
    texture = rng.integers(0, 256, (400, 400)).astype(np.uint8)
    texture = (texture.astype(int) + np.roll(texture, 1, 0) + np.roll(texture, 1, 1)).astype(float) / 3
    for i in range(48):
        picture = np.full((120, 96), 128, np.uint8)
        picture[:80] = texture[2 * i : 2 * i + 80, 3 * i : 3 * i + 96]
        picture[10:30, (i * 5) % 60 : (i * 5) % 60 + 20] = i * 5
        data += b"".join(map(bytes, encoder.encode(av.VideoFrame.from_ndarray(picture, "yuv420p"))))
    data += b"".join(map(bytes, encoder.encode(None)))
    return [nal.data for nal in split_byte_stream(data)]


def digest(frame):
    return hashlib.md5(b"".join(plane.tobytes() for plane in frame.planes)).digest()


def judged(nals, whole):
    """(frames, flagged, wrong without a flag, right with a flag) of a decoding with concealment."""
    right = {digest(frame) for frame in decoded(whole)}
    frames = decoded(nals, on_error="conceal")
    wrong = [digest(frame) not in right for frame in frames]
    found = flags(frames)
    return (
        len(frames),
        sum(found),
        sum(w and not f for w, f in zip(wrong, found)),
        sum(f and not w for w, f in zip(wrong, found)),
    )


def slices_of(nals):
    return [i for i, nal in enumerate(nals) if nal[0] & 31 in (1, 5)]


def parameter_sets(nals):
    return [nal for nal in nals if nal[0] & 31 in (7, 8)][:2]


OPTIONS = [
    {"bf": "0", "x264-params": "keyint=16:min-keyint=16:scenecut=0"},
    {"bf": "3", "x264-params": "keyint=16:min-keyint=16:scenecut=0:open-gop=1:b-pyramid=normal:b-adapt=0"},
    {"bf": "2", "x264-params": "keyint=16:min-keyint=16:scenecut=0:interlaced=1"},
    {"bf": "0", "x264-params": "keyint=250:scenecut=0:ref=4:slices=2"},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_no_wrong_picture_is_unflagged_wherever_the_stream_is_cut(options):
    whole = clip_of(**options)
    assert flags(decoded(whole)) == [False] * 48
    for at in slices_of(whole)[1:40:7]:
        assert judged(parameter_sets(whole) + whole[at:], whole)[2] == 0


@pytest.mark.parametrize("options", OPTIONS)
def test_no_wrong_picture_is_unflagged_whichever_reference_is_lost(options):
    whole = clip_of(**options)
    references = [at for at in slices_of(whole) if whole[at][0] >> 5]
    for at in references[1::5]:
        assert judged(whole[:at] + whole[at + 1 :], whole)[2] == 0


def test_an_open_gop_cut_at_its_intra_picture():
    """Only the B pictures before it in output order are wrong; FFmpeg leaves them out."""
    whole = clip_of(**OPTIONS[1])
    points = [
        i for i, nal in enumerate(whole)
        if nal[0] & 31 == 6 and any(one.payloadType == RECOVERY_POINT for one in read_sei(_nal(nal)))
    ]  # fmt: skip
    nals = parameter_sets(whole) + whole[points[1] :]
    frames = decoded(nals, on_error="conceal")
    first = next(i for i, frame in enumerate(frames) if frame.type == "I")
    assert flags(frames) == [True] * first + [False] * (len(frames) - first) and first > 0
    assert judged(nals, whole)[2:] == (0, 0)


def _nal(data):
    return split_byte_stream(b"\0\0\1" + data)[0]


def test_an_intra_refresh_cut_recovers_where_the_encoder_says():
    whole = clip_of(bf="0", **{"x264-params": "keyint=12:intra-refresh=1:scenecut=0"})
    assert flags(decoded(whole)) == [False] * 48
    at = slices_of(whole)[5]
    frames = decoded(parameter_sets(whole) + whole[at:], on_error="conceal")
    found = flags(frames)
    clean = found.index(False)
    assert 0 < clean < 30 and found == [True] * clean + [False] * (len(found) - clean)


def test_conforming_streams_are_not_flagged(streams):
    for row, path in streams.values():
        if not row["damaged"] and path.stat().st_size < 60000:
            assert not any(flags(codec.decode_video(path, on_error="conceal"))), path
