"""Every stream decodes, in our decoder and in FFmpeg, to what the encoder reconstructed."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from made_clips import CONTENT, assert_decodes_to, by_ffmpeg, encoded, moving

import codec
from codec import cpu
from codec.h264.encode import settings
from codec.h264.encode.settings import PRESETS, TUNES
from codec.h264.stream.nal import PPS, SPS, split_byte_stream
from codec.h264.stream.parameter_sets import read_pps, read_sps
from codec.h264.xray import TRANSFORM8, partitions


def sets_of(data):
    """(SPS, PPS) of a stream."""
    nals = {nal.nal_unit_type: nal for nal in split_byte_stream(data)}
    sps = read_sps(nals[SPS])
    return sps, read_pps(nals[PPS], sps)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("content", CONTENT)
def test_reconstruction_is_what_decoders_show(preset, content):
    frames = CONTENT[content](50, 38, 6)
    data, planes, pictures = encoded(frames, preset=preset, qp=24)
    assert_decodes_to(data, planes, 50, 38)


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 15), (33, 64), (200, 18)])
@pytest.mark.parametrize("qp", [0, 11, 51])
def test_any_size_at_any_qp(size, qp):
    for preset in ("ultrafast", "medium"):
        data, planes, _ = encoded(moving(*size, 4), preset=preset, qp=qp)
        assert_decodes_to(data, planes, *size)


@pytest.mark.parametrize("preset", ["ultrafast", "medium"])
def test_gray(preset):
    frames = np.ascontiguousarray(moving(40, 24, 5)[..., 0])
    data, planes, _ = encoded(frames, preset=preset, qp=26)
    assert all(len(one) == 1 for one in planes)
    assert [frame.chroma for frame in codec.decode_video(data, monochrome="4:0:0")] == ["4:0:0"] * 5
    assert_decodes_to(data, planes, 40, 24)


def test_key_pictures_come_every_keyint_frames():
    data, planes, pictures = encoded(moving(32, 32, 7), keyint=3)
    assert_decodes_to(data, planes, 32, 32)
    assert [frame.key for frame in codec.decode_video(data)] == [i % 3 == 0 for i in range(7)]
    third = next(one for one in pictures if one.number == 3)  # decoding can start at any of them
    rest = data[data.index(third.data) :]
    assert len(by_ffmpeg(rest)) == len(list(codec.decode_video(rest))) == 4


def test_many_frames_wrap_all_counters():
    """frame_num and pic_order_cnt_lsb wrap; the buffers are reused."""
    frames = np.repeat(moving(16, 16, 10), 60, axis=0)
    data, planes, _ = encoded(frames, preset="ultrafast", keyint=1000)
    assert_decodes_to(data, planes, 16, 16)


def test_lower_qp_is_closer_and_larger():
    frames = moving(64, 48, 4)
    source = [codec.Frame.from_rgb(frame).planes[0].astype(int) for frame in frames]
    sizes, errors = [], []
    for qp in (20, 30, 40):
        data, planes, _ = encoded(frames, qp=qp)
        sizes.append(len(data))
        errors.append(sum(((a - b[0][:48, :64]) ** 2).sum() for a, b in zip(source, planes)))
    assert sizes == sorted(sizes, reverse=True) and errors == sorted(errors)


def test_b_pictures_of_noise_have_the_qp_of_p(monkeypatch):
    """Others have more, because errors in what they refer to are repeated in them: 3 or 4 where they take nearly all
    from it."""
    monkeypatch.setitem(settings.PRESETS, "medium", replace(PRESETS["medium"], b_adapt=0))
    qps = lambda frames: {one.qp for one in encoded(frames, qp=28)[2] if one.type == "B"}
    assert qps(moving(64, 48, 9)) == {31, 32}
    assert qps(CONTENT["noise"](64, 48, 9)) == {28}


def test_b_pictures_beside_one_of_noise_have_the_qp_of_their_layer(monkeypatch):
    """Noise is new in each picture. What is new in one alone, as in a sudden movement, is not."""
    monkeypatch.setitem(settings.PRESETS, "medium", replace(PRESETS["medium"], b_adapt=0))
    frames = moving(64, 48, 9).copy()
    frames[2] = CONTENT["noise"](64, 48, 1)[0]
    assert {one.qp for one in encoded(frames, qp=28)[2] if one.type == "B"} == {30, 31, 32}


def test_still_pictures_cost_next_to_nothing():
    frames = np.repeat(moving(64, 64, 1), 20, axis=0)
    one, many = len(encoded(frames[:1])[0]), len(encoded(frames)[0])
    assert many < one + 19 * 60


def test_edges_have_the_small_transform_and_gradients_the_large_one():
    """Without decisions by rate, SATD chooses the transform."""
    y, x = np.mgrid[:64, :64]
    dots = np.random.default_rng(0).random((64, 64)) < 0.04
    shares = []
    for change in (60 * np.cos(np.pi * (x % 8 + 0.5) / 8) * np.cos(np.pi * (y % 8 + 0.5) / 8), 180.0 * dots):
        frames = np.stack([np.full((64, 64), 60.0), 60 + change - change.min()]).astype(np.uint8)
        data = encoded(frames, preset="faster", qp=24)[0]
        flags = list(codec.decode_video(data, side_data=True, monochrome="4:0:0"))[1].side_data["flags"]
        shares.append((flags & TRANSFORM8 != 0).mean())
    assert shares[0] > 0.9 and shares[1] < 0.5


@pytest.mark.parametrize("preset", ["superfast", "faster"])
def test_modes_of_intra_8x8_suit_its_transform(preset):
    """Blocks that are one product of cosines have one level each, from a prediction that is flat: other modes, which
    4x4 transforms find cheaper, take twice as many bytes."""
    y, x = np.mgrid[:64, :64] % 8 + 0.5
    frames = 128 + 60 * np.cos(3 * np.pi * x / 8) * np.cos(5 * np.pi * y / 8)
    assert len(encoded(frames[None].astype(np.uint8), preset=preset, qp=24, settings_sei=False)[0]) < 450


def test_what_moves_slowly_is_not_skipped(monkeypatch):
    """The residual of a smooth picture vanishes in the dead zone even with a wrong vector."""
    y, x = np.mgrid[:64, :96]
    frames = [128 + 10 * np.sin((x + i) / 9) + 10 * np.sin((y + i / 2) / 9 + x / 40) for i in range(12)]
    frames = np.stack([np.repeat(frame[..., None], 3, axis=2) for frame in frames]).astype(np.uint8)
    source = np.stack([codec.Frame.from_rgb(frame).planes[0] for frame in frames]).astype(float)
    error = lambda: ((np.stack([planes[0] for planes in encoded(frames, qp=34)[1]]) - source) ** 2).mean()
    quick = error()
    monkeypatch.setitem(settings.PRESETS, "medium", replace(PRESETS["medium"], early_skip=0))
    assert quick < 1.3 * error()


def test_trellis_lowers_distortion_and_bits_with_cavlc(monkeypatch):
    """As they are weighed against each other, by lambda, in the final choice and in all trials."""
    noisy = moving(96, 80, 12) + np.random.default_rng(1).normal(0, 4, (12, 80, 96, 1))
    frames = np.clip(noisy, 0, 255).astype(np.uint8)
    source = [codec.Frame.from_rgb(frame).planes for frame in frames]
    costs = []
    for trellis in (0, 1, 2):
        monkeypatch.setitem(settings.PRESETS, "medium", replace(settings.MEDIUM, cabac=0, trellis=trellis))
        data, planes, _ = encoded(frames, qp=26)
        assert_decodes_to(data, planes, 96, 80)
        error = sum(
            ((a.astype(int) - b[: a.shape[0], : a.shape[1]]) ** 2).sum()
            for one, other in zip(source, planes)
            for a, b in zip(one, other)
        )
        costs.append(int(error + settings.lambda2_of(26, 1) / 256 * 8 * len(data)))
    assert max(costs[1:]) < 0.99 * costs[0], costs


@pytest.mark.parametrize("preset", ["ultrafast", "medium", "slow"])
def test_the_same_bytes_at_any_cpu_level_and_run(preset):
    frames, digests = moving(48, 48, 5), set()
    for level in ("scalar", cpu.level()):
        with cpu.force(level):
            digests.add(hashlib.sha256(encoded(frames, preset=preset)[0]).hexdigest())
    assert len(digests) == 1


def pcm_macroblocks(data):
    """How many of all macroblocks are I_PCM, by the flag of _picture.pxd."""
    flags = np.stack([frame.side_data["flags"] for frame in codec.decode_video(data, side_data=True)])
    return int((flags & 2 > 0).sum()), flags.size


@pytest.mark.parametrize("preset", ["ultrafast", "medium"])
def test_what_costs_more_than_its_samples_is_sent_as_samples(preset):
    """A.3.1: a macroblock has at most 3200 bits."""
    frames = CONTENT["noise"](48, 32, 4)
    data, planes, pictures = encoded(frames, preset=preset, qp=0)
    assert_decodes_to(data, planes, 48, 32)
    assert pcm_macroblocks(data) == (24, 24)
    assert all(8 * len(one.data) <= 6 * 3200 + 1000 for one in pictures)
    mixed = moving(48, 32, 4)
    mixed[:, :16, 16:32] = frames[:, :16, 16:32]
    data, planes, _ = encoded(mixed, preset=preset, qp=6)
    assert_decodes_to(data, planes, 48, 32)
    found, total = pcm_macroblocks(data)
    assert 0 < found < total


@pytest.mark.parametrize("case", range(12))
def test_random_settings(case):
    rng = np.random.default_rng(case)
    width, height, count = (int(n) for n in (rng.integers(1, 90), rng.integers(1, 70), rng.integers(1, 14)))
    name = str(rng.choice(list(CONTENT)))
    frames = CONTENT[name](width, height, count, seed=case)
    if rng.random() < 0.2:
        frames = np.ascontiguousarray(frames[..., 0])
    settings = {
        "preset": str(rng.choice(list(PRESETS))), "keyint": int(rng.integers(1, 20)), "threads": int(rng.integers(1, 4)),
        "tune": [None, *TUNES][int(rng.integers(len(TUNES) + 1))],
        **[{"qp": int(rng.integers(0, 52))}, {"qp": None, "crf": float(rng.uniform(0, 51))},
           {"bitrate": int(rng.integers(10, 500)) * 1000}][int(rng.integers(3))],
        "scaling_matrix": ["flat", "jvt", [rng.integers(4, 21, (side, side)) for side in (4,) * 6 + (8,) * 2]][
            int(rng.integers(3))],
        "aud": bool(rng.integers(2)), "open_gop": bool(rng.integers(2)), "settings_sei": bool(rng.integers(2)),
        "slices": int(rng.integers(1, 1 + -(-height // 16))),
        "slice_max_bytes": [None, int(rng.integers(1000, 3000))][int(rng.integers(2))],
    }  # fmt: skip
    if PRESETS[settings["preset"]].rd:
        settings["psy_rd"] = float(rng.choice([0, 0.3, 4]))
    data, planes, _ = encoded(frames, **settings)
    assert_decodes_to(data, planes, width, height)


def detail(planes):
    """How much luma varies: the magnitudes of differences between neighbours."""
    return sum(int(np.abs(np.diff(one[0].astype(int), axis=axis)).sum()) for one in planes for axis in (0, 1))


@pytest.mark.parametrize("preset", ["fast", "slow"])
def test_psy_rd_keeps_detail(preset):
    """Fine texture that costs more than it saves in squared differences."""
    frames = np.clip(moving(80, 64, 6) + np.random.default_rng(1).normal(0, 6, (6, 64, 80, 1)), 0, 255).astype(np.uint8)
    source = [codec.Frame.from_rgb(frame).planes for frame in frames]
    kept = []
    for weight in (0, 1, 4):
        data, planes, _ = encoded(frames, preset=preset, qp=32, psy_rd=weight)
        assert_decodes_to(data, planes, 80, 64)
        kept.append(detail(planes))
    assert kept == sorted(kept) and detail(source) > kept[-1] > 1.02 * kept[0]


def test_psy_rd_is_the_same_at_any_cpu_level():
    found = set()
    for level in ("scalar", cpu.level()):
        with cpu.force(level):
            found.add(encoded(CONTENT["text"](64, 48, 4), qp=30, psy_rd=1)[0])
    assert len(found) == 1


@pytest.mark.parametrize(
    "options, words",
    [
        ({"psy_rd": -1}, "psy_rd is -1; it must be a number from 0 to 4"),
        ({"psy_rd": "1"}, "psy_rd is '1'"),
        ({"psy_rd": 1, "preset": "faster"}, "psy_rd=1 needs a preset .* fast, medium, .*; preset=faster does not"),
        ({"psy_rd": 1, "lossless": True}, "lossless and psy_rd contradict"),
    ],
)
def test_psy_rd_that_is_impossible(options, words):
    with pytest.raises(codec.ParameterError, match=words):
        codec.encode_video(moving(16, 16, 1), fps=25, **options)


@pytest.mark.parametrize(
    "profile, name, flags",
    [("baseline", "Constrained Baseline", (1, 1)), ("main", "Main", (0, 1)), ("high", "High", (0, 0))],
)
@pytest.mark.parametrize(
    "more",
    [{"preset": "slow"}, {"crf": 4}, {"bitrate": 4_000_000}, {"preset": "faster", "tune": "fastdecode", "qp": 12}],
)
def test_profiles(profile, name, flags, more):
    """A.2.1, A.2.2: what a profile lacks is left out; low QP would need levels that CAVLC of Baseline does not have."""
    frames = moving(50, 38, 7)
    data, planes, pictures = encoded(frames, profile=profile, **more)
    assert_decodes_to(data, planes, 50, 38)
    sps, pps = sets_of(data)
    assert sps.profile_name == name and (sps.constraint_set0_flag, sps.constraint_set1_flag) == flags
    assert pps.transform_8x8_mode_flag == (profile == "high")
    if profile == "baseline":
        assert not pps.entropy_coding_mode_flag and not pps.weighted_pred_flag
        assert {one.type for one in pictures} <= {"I", "P"}
        assert min(one.side_data["qp"].min() for one in codec.decode_video(data, side_data=True)) >= 12
    assert codec.h264.probe(data).profile == name


def sizes_of(picture):
    """(width, height) of its parts."""
    return {(width, height) for _, _, width, height, _ in partitions(picture.side_data)}


@pytest.mark.parametrize("level, divided", [("3", False), ("3.1", True)])
def test_baseline_divides_blocks_of_8x8_where_vectors_of_their_parts_are_not_bounded(level, divided):
    """A.3.3: MaxSubMbRectSize, up to level 3."""
    data, _, _ = encoded(moving(176, 144, 4, seed=2), profile="baseline", preset="veryslow", qp=12, level=level)
    parts = set().union(*map(sizes_of, codec.decode_video(data, side_data=True)))
    assert any(width * height < 64 for width, height in parts) == divided


@pytest.mark.parametrize(
    "frames, options, words",
    [
        (moving(16, 16, 1), {"profile": "extended"}, "profile is 'extended'; it must be one of baseline, main, high"),
        (moving(16, 16, 1), {"profile": "main", "lossless": True}, "profile and lossless contradict|lossless.*profile"),
        (
            moving(16, 16, 1),
            {"profile": "main", "scaling_matrix": "jvt"},
            "profile is 'main', which has no scaling_matr",
        ),
        (moving(16, 16, 1), {"profile": "baseline", "qp": 11}, "qp is 11; with profile='baseline'"),
        (moving(16, 16, 1)[..., 0].copy(), {"profile": "main"}, "profile is 'main', which has no gray frames"),
    ],
)
def test_profiles_that_are_impossible(frames, options, words):
    with pytest.raises(codec.ParameterError, match=words):
        codec.encode_video(frames, fps=25, **options)


GOLDEN = {
    ("ultrafast", None): "2b231ea9f0de5d19",
    ("veryfast", None): "8af025397118ce8d",
    ("medium", None): "6e62910a96be53e2",
    ("medium", "fastdecode"): "71faa62a19131755",
    ("slow", "fastdecode"): "3ae22ce6560895e9",
}


@pytest.mark.parametrize("preset, tune", GOLDEN)
def test_the_bytes_are_the_same_on_every_machine(preset, tune):
    """A change here changes what users get: the changelog says so."""
    frames = np.stack([np.add.outer(np.arange(40) * 5 + 3 * i, np.arange(56) * 3) for i in range(7)]) % 251
    frames = np.stack([frames, frames[:, ::-1] // 2, 255 - frames], axis=3).astype(np.uint8)
    data = encoded(frames, preset=preset, tune=tune, qp=26, settings_sei=False)[0]
    assert hashlib.sha256(data).hexdigest()[:16] == GOLDEN[preset, tune]


@pytest.mark.parametrize("partitions", [0, 1, 2, 16 | 1, 4, 8, 12, 31])
@pytest.mark.parametrize("rd, cabac", [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)])
def test_any_partitions(monkeypatch, partitions, rd, cabac):
    """Bits of Tools.partitions alone and together, with each entropy coder and way to decide."""
    changes = {"partitions": partitions, "rd": rd, "cabac": cabac, "trellis": max(rd, 1)}
    changes |= {"refine": int(rd == 2), "refs": 2}
    monkeypatch.setitem(settings.PRESETS, "medium", replace(settings.MEDIUM, **changes))
    data, planes, _ = encoded(CONTENT["text"](48, 48, 6), qp=28)
    assert_decodes_to(data, planes, 48, 48)
    data, planes, _ = encoded(moving(48, 48, 6), qp=20)
    assert_decodes_to(data, planes, 48, 48)


def least_vectors(frame):
    """By macroblock in coding order, at least how many vectors of list 0 it has: the different ones of its quarters."""
    mv, used = (
        frame.side_data["mv"][:, :, 0].reshape(-1, 16, 2),
        frame.side_data["ref_idx"][:, :, 0].reshape(-1, 4) >= 0,
    )
    counts = []
    for vectors, quarters in zip(mv, used):
        different = [
            len({tuple(vectors[8 * (b8 >> 1) + 2 * (b8 & 1) + k]) for k in (0, 1, 4, 5)}) if quarters[b8] else 0
            for b8 in range(4)
        ]
        whole = len({tuple(v) for v in vectors}) == 1
        counts.append(min(sum(different), 1) if whole else sum({3: 4}.get(n, n) for n in different))
    return counts


def churning(count):
    """Blocks of 4x4 that each move their own way by whole samples: best predicted by small partitions."""
    rng = np.random.default_rng(3)
    field = rng.normal(0, 1, (96, 96))
    for axis in (0, 1):
        field = sum(np.roll(field, shift, axis) for shift in range(-1, 2))
    field = np.clip(128 + 20 * field, 0, 255).astype(np.uint8)
    frames = [field]
    for _ in range(count - 1):
        last, new = frames[-1], frames[-1].copy()
        for y in range(8, 88, 4):
            for x in range(8, 88, 4):
                dy, dx = rng.integers(-3, 4, 2)
                new[y : y + 4, x : x + 4] = last[y + dy : y + dy + 4, x + dx : x + dx + 4]
        frames.append(new)
    return np.stack(frames)


@pytest.mark.parametrize("fps, limited", [(1, False), (2500, True)])
def test_two_macroblocks_have_at_most_the_vectors_of_the_level(monkeypatch, fps, limited):
    """MaxMvsPer2Mb (Table A-1): 16 from level 3.1 on; 8x8 blocks are divided less there."""
    monkeypatch.setitem(settings.PRESETS, "medium", replace(settings.MEDIUM, b_frames=0))
    frames = churning(4)
    data, planes, _ = encoded(frames, fps=fps, qp=16)
    assert (codec.h264.probe(data).level in ("3.1", "3.2")) == limited
    assert_decodes_to(data, planes, 96, 96)
    counts = [least_vectors(frame) for frame in codec.decode_video(data, side_data=True)]
    most = max(a + b for one in counts for a, b in zip(one, one[1:]))
    assert 5 <= most <= 16 if limited else most > 16
