"""`codec video encode`: where frames come from, when they are shown, and what is left after an error."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

import codec

av = pytest.importorskip("av", reason="PyAV is not installed: clips other than .y4m are not read")

WIDTH, HEIGHT = 36, 20


def flat(number):
    return np.full((HEIGHT, WIDTH, 3), 20 * number, np.uint8)


def y4m(count, *, start=0):
    planes = [codec.Frame.from_rgb(flat((start + number) % 12)).planes for number in range(count)]
    head = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F25:1 A4:3 C420\n".encode()
    return head + b"".join(b"FRAME\n" + b"".join(plane.tobytes() for plane in one) for one in planes)


def read(path):
    """(times in seconds, mean luma of each frame, kinds of tracks)"""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        frames = [
            (frame.pts * video.time_base, frame.to_ndarray()[:HEIGHT].mean()) for frame in container.decode(video)
        ]
        return [time for time, _ in frames], [luma for _, luma in frames], [one.type for one in container.streams]


def source(path, ticks, *, audio="aac", begin=0, rotation=0, more=False):
    """A clip with flat frames at these milliseconds and a tone; more: with a second video track and chapters."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.time_base = video.codec_context.time_base = Fraction(1, 1000)
        video.codec_context.max_b_frames = 0
        if rotation:
            video.set_display_rotation(rotation)
        tone = container.add_stream(audio, rate=48000, layout="mono") if audio else None
        if tone:
            tone.metadata["language"] = "ger"
        form = tone and tone.codec_context.codec.audio_formats[0].name
        resampler = av.AudioResampler(form, "mono", 48000, 960 if audio == "libopus" else 1024)
        second = container.add_stream("mpeg4", rate=25) if more else None
        if more:
            second.width, second.height, second.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            container.set_chapters([{"id": 1, "start": 0, "end": 400, "time_base": Fraction(1, 1000), "metadata": {}}])
        for number, tick in enumerate(ticks):
            frame = av.VideoFrame.from_ndarray(flat(number % 12), format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = begin + tick, Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if more:
            container.mux(second.encode(av.VideoFrame(WIDTH, HEIGHT, "yuv420p")))
            container.mux(second.encode(None))
        for at in range(0, 48000 if audio else 0, 1024):
            wave = np.sin((at + np.arange(1024)) / 20).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 48000, at
            for converted in resampler.resample(frame):
                container.mux(tone.encode(converted))
        if audio:
            container.mux(tone.encode(None))
    return path


def packets_of_audio(path):
    with av.open(str(path)) as container:
        track = container.streams.audio[0]
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in container.demux(track) if packet.size]


EVEN = [40 * number for number in range(20)]
UNEVEN = [0, 40, 80, 500, 510, 700, 740]


@pytest.mark.parametrize("suffix, slack", [(".mp4", 0), (".mkv", Fraction(1, 1000)), (".mov", 0)])
@pytest.mark.parametrize("ticks", [EVEN, UNEVEN])
def test_times_of_the_source_are_kept(run, tmp_path, suffix, slack, ticks):
    clip, out = source(tmp_path / "in.mkv", ticks, audio=""), tmp_path / f"out{suffix}"
    assert run("video", "encode", clip, "-o", out).code == 0
    times, luma, _ = read(out)
    assert len(times) == len(ticks) and all(abs(a - Fraction(b, 1000)) <= slack for a, b in zip(times, ticks))
    wanted = read(clip)[1]
    assert np.abs(np.subtract(luma, wanted)).max() < 4


def test_matroska_promises_no_duration_of_uneven_frames(run, tmp_path):
    """DefaultDuration (RFC 9559, 5.1.4.1.13) is one of all frames."""
    for ticks in (EVEN, UNEVEN):
        clip, out = source(tmp_path / "in.mp4", ticks, audio=""), tmp_path / "out.mkv"
        assert run("video", "encode", clip, "-o", out, "--overwrite").code == 0
        assert (b"\x23\xe3\x83" in out.read_bytes()[:600]) == (ticks is EVEN)


def test_uneven_times_and_one_rate(run, tmp_path):
    clip = source(tmp_path / "in.mkv", UNEVEN)
    refused = run("video", "encode", clip, "-o", tmp_path / "a.h264")
    assert refused.code == 1 and "shown for 10 to 420 ms" in refused.err and "give --fps" in refused.err
    assert not (tmp_path / "a.h264").exists()
    given = run("video", "encode", clip, "-o", tmp_path / "a.mp4", "--fps", 10)
    assert "and now for 100 ms each" in given.err and "its audio is left out: with --fps" in given.err
    assert read(tmp_path / "a.mp4")[0] == [Fraction(number, 10) for number in range(7)]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("begin", [0, 333])
def test_audio_is_copied_in_step(run, tmp_path, suffix, begin):
    clip, out = source(tmp_path / "in.mkv", EVEN, begin=begin), tmp_path / f"out{suffix}"
    outcome = run("video", "encode", clip, "-o", out)
    assert outcome.code == 0 and "warning" not in outcome.err
    before, after = packets_of_audio(clip), packets_of_audio(out)
    assert [data for _, data in before] == [data for _, data in after]
    shift = read(out)[0][0] - read(clip)[0][0]
    assert all(abs(b - a - shift) <= Fraction(2, 1000) for (a, _), (b, _) in zip(before, after))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_audio_keeps_its_language(tmp_path, suffix):
    codec.write_video(tmp_path / f"out{suffix}", source(tmp_path / "in.mkv", EVEN))
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        assert container.streams.audio[0].metadata["language"] == "ger"


def sound_of(path):
    """Samples as they are played, and the time of the first."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        return np.concatenate([frame.to_ndarray()[0] for frame in frames]), frames[0].pts * frames[0].time_base


@pytest.mark.parametrize("audio", ["aac", "libmp3lame", "libopus"])
@pytest.mark.parametrize("before, after", [(".mp4", ".mkv"), (".mkv", ".mkv"), (".mp4", ".mp4")])
def test_samples_before_time_0_stay_unheard(tmp_path, audio, before, after):
    """What a codec needs to begin is in front of time 0: an edit list of MP4, CodecDelay of Matroska."""
    clip, out = source(tmp_path / f"in{before}", EVEN, audio=audio), tmp_path / f"out{after}"
    codec.write_video(out, clip)
    assert read(out)[0] == read(clip)[0]
    (heard, begin), (wanted, wanted_begin) = sound_of(out), sound_of(clip)
    assert begin == wanted_begin and np.array_equal(heard, wanted)


def test_audio_on_request_and_where_it_fits(run, tmp_path):
    clip = source(tmp_path / "in.mkv", EVEN)
    assert run("video", "encode", clip, "-o", tmp_path / "a.mp4", "--no-audio").code == 0
    assert read(tmp_path / "a.mp4")[2] == ["video"]
    outcome = run("video", "encode", clip, "-o", tmp_path / "a.h264")
    assert outcome.code == 0 and "its audio is left out: a byte stream has none" in outcome.err
    assert run("video", "encode", clip, "-o", tmp_path / "b.mp4", "--frames", 5).code == 0
    assert len(read(tmp_path / "b.mp4")[0]) == 5
    assert float(packets_of_audio(tmp_path / "b.mp4")[-1][0]) < 0.2
    codec.write_video(tmp_path / "c.mkv", clip)
    assert read(tmp_path / "c.mkv")[2] == ["video", "audio"]
    codec.write_video(tmp_path / "d.mkv", clip, audio=False)
    assert read(tmp_path / "d.mkv")[2] == ["video"]


def test_audio_that_does_not_fit_is_refused(run, tmp_path):
    clip = source(tmp_path / "in.mkv", EVEN, audio="wavpack")
    outcome = run("video", "encode", clip, "-o", tmp_path / "a.mp4")
    assert (
        outcome.code == 1
        and "MP4 does not hold wavpack audio: write .mkv, or leave it out with --no-audio" in outcome.err
    )
    assert os.listdir(tmp_path) == ["in.mkv"]
    assert run("video", "encode", clip, "-o", tmp_path / "a.mkv").code == 0
    assert [data for _, data in packets_of_audio(clip)] == [data for _, data in packets_of_audio(tmp_path / "a.mkv")]


@pytest.mark.parametrize(
    "audio, suffix, holder",
    [
        ("flac", ".mov", ".mkv"),
        ("libopus", ".mov", ".mkv"),
        ("pcm_mulaw", ".mp4", ".mov"),
        ("pcm_mulaw", ".mkv", ".mov"),
    ],
)
def test_a_refusal_names_codec_container_and_remedy(tmp_path, audio, suffix, holder):
    """Also where FFmpeg's list of the container has the codec and its writer refuses it (FLAC in QuickTime)."""
    clip = source(tmp_path / ("in.avi" if "pcm" in audio else "in.mkv"), EVEN, audio=audio)
    name = {".mov": "QuickTime", ".mp4": "MP4", ".mkv": "Matroska"}[suffix]
    said = f"{name} does not hold {audio.removeprefix('lib')} audio: write {holder}, or leave it out with audio=False"
    with pytest.raises(codec.errors.ParameterError) as raised:
        codec.write_video(tmp_path / f"a{suffix}", clip)
    assert said in str(raised.value) and os.listdir(tmp_path) == [clip.name]
    codec.write_video(tmp_path / f"a{holder}", clip)
    assert [data for _, data in packets_of_audio(clip)] == [
        data for _, data in packets_of_audio(tmp_path / f"a{holder}")
    ]


def sound(path, channels, format="avi"):
    """A clip whose PCM has channels without a layout, as AVI tells them."""
    layout = {2: "stereo", 6: "5.1"}[channels]
    with av.open(str(path), "w", format=format) as container:
        video, tone = (
            container.add_stream("mpeg4", rate=25),
            container.add_stream("pcm_s16le", rate=48000, layout=layout),
        )
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for packet in (*video.encode(av.VideoFrame.from_ndarray(flat(3), format="rgb24")), *video.encode(None)):
            container.mux(packet)
        samples = np.arange(channels * 1920, dtype=np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
        frame.sample_rate = 48000
        container.mux(tone.encode(frame))
    data = path.read_bytes()
    at = data.index(b"auds", data.index(b"strf")) if channels == 6 else -1
    if at > 0:  # WAVEFORMATEXTENSIBLE: dwChannelMask 0 states no layout
        at = data.index(b"strf", at) + 8 + 20
        path.write_bytes(data[:at] + bytes(4) + data[at + 4 :])
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_pcm_of_two_channels_without_a_layout_is_stereo(tmp_path, suffix):
    clip, out = sound(tmp_path / "in.avi", 2), tmp_path / f"a{suffix}"
    codec.write_video(out, clip)
    joined = [b"".join(data for _, data in packets_of_audio(path)) for path in (clip, out)]
    assert joined[0] == joined[1]
    with av.open(str(out)) as container:
        assert container.streams.audio[0].codec_context.layout.nb_channels == 2


def test_pcm_of_more_channels_without_a_layout_is_refused_in_mp4(tmp_path):
    clip = sound(tmp_path / "in.avi", 6)
    with av.open(str(clip)) as container:
        assert container.streams.audio[0].codec_context.layout.name == "6 channels"
    with pytest.raises(codec.errors.ParameterError, match="MP4 does not hold pcm_s16le audio: write .mkv"):
        codec.write_video(tmp_path / "a.mp4", clip)
    codec.write_video(tmp_path / "a.mkv", clip)


@pytest.mark.parametrize("audio, holder", [("pcm_s24le", ".mkv"), ("pcm_f32be", ".mov")])
def test_pcm_that_some_players_misread_is_refused_in_mp4(tmp_path, audio, holder):
    """FFmpeg before 6 takes 24 bits in MP4 for 16: noise at full level."""
    clip = source(tmp_path / "in.mov", EVEN, audio=audio)
    with pytest.raises(codec.errors.ParameterError, match=f"MP4 does not hold {audio} audio: write {holder}"):
        codec.write_video(tmp_path / "a.mp4", clip)
    codec.write_video(tmp_path / f"a{holder}", clip)
    joined = [b"".join(data for _, data in packets_of_audio(path)) for path in (clip, tmp_path / f"a{holder}")]
    assert joined[0] == joined[1]


def test_other_tracks_are_left_out_with_a_warning(run, tmp_path):
    outcome = run("video", "encode", source(tmp_path / "in.mp4", EVEN, more=True), "-o", tmp_path / "a.mp4")
    assert outcome.code == 0 and "1 track of video left out" in outcome.err and "chapters are left out" in outcome.err
    assert read(tmp_path / "a.mp4")[2] == ["video", "audio"]


def test_rotation_is_kept_or_named(run, tmp_path):
    clip = source(tmp_path / "in.mp4", EVEN, audio="", rotation=90)
    (wanted,) = {frame.rotation for frame in av.open(str(clip)).decode(video=0)}
    assert wanted
    assert run("video", "encode", clip, "-o", tmp_path / "a.mp4").code == 0
    assert {frame.rotation for frame in av.open(str(tmp_path / "a.mp4")).decode(video=0)} == {wanted}
    assert "is left out: a byte stream has none" in run("video", "encode", clip, "-o", tmp_path / "a.h264").err


def test_sample_aspect_ratio_is_kept(run, tmp_path):
    (tmp_path / "in.y4m").write_bytes(y4m(3))
    for name in "a.h264", "a.mp4":
        assert run("video", "encode", tmp_path / "in.y4m", "-o", tmp_path / name).code == 0
        assert codec.h264.probe(tmp_path / name).sample_aspect_ratio == (4, 3)


def test_colour_description_is_kept(run, tmp_path):
    """Of a clip with the primaries of BT.2020 and PQ: without them it is shown pale."""
    with av.open(str(tmp_path / "in.mkv"), "w") as container:
        video = container.add_stream("ffv1", rate=25)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        context = video.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = 9, 16, 9, 1
        frame = av.VideoFrame.from_ndarray(flat(3), format="rgb24").reformat(format="yuv420p")
        frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = 9, 16, 9, 1
        container.mux(video.encode(frame))
        container.mux(video.encode(None))
    assert run("video", "encode", tmp_path / "in.mkv", "-o", tmp_path / "a.h264").code == 0
    vui = codec.h264.inspect(tmp_path / "a.h264")["parameter_sets"][0]["vui"]
    names = ("colour_primaries", "transfer_characteristics", "matrix_coefficients", "video_full_range_flag")
    assert [vui[name] for name in names] == [9, 16, 9, 0]


# ---------------------------------------------------------------- pipes


def test_from_stdin_to_stdout(run):
    outcome = run("video", "encode", "-", "-o", "-", "--qp", 30, stdin=y4m(9))
    assert outcome.code == 0 and outcome.out == codec.encode_video(y4m(9), qp=30)
    assert "stdin: 9 frames" in outcome.err
    both = run("video", "encode", "-", "-o", "-", "--json", stdin=y4m(2))
    assert both.code == 2 and "--json" in both.text + both.err


def test_a_container_from_stdin(run, tmp_path):
    clip = source(tmp_path / "in.mkv", EVEN)
    assert run("video", "encode", "-", "-o", tmp_path / "a.mp4", stdin=clip.read_bytes()).code == 0
    assert read(tmp_path / "a.mp4")[2] == ["video", "audio"] and len(read(tmp_path / "a.mp4")[0]) == 20


def test_a_pipe_is_encoded_while_it_is_written():
    """Pictures come out before the input ends: for live use."""
    command = [sys.executable, "-c", "from codec.cli.main import main; main()"]
    words = ["video", "encode", "-", "-o", "-", "--preset", "ultrafast"]
    with subprocess.Popen([*command, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdin.write(y4m(400))
        child.stdin.flush()
        assert child.stdout.read(4) == b"\0\0\0\1"
        child.stdin.close()
        assert len(child.stdout.read()) > 1000
        assert child.wait() == 0


# ---------------------------------------------------------------- pictures


@pytest.fixture
def sequence(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for place, number in enumerate((1, 2, 9, 10, 11)):
        Image.fromarray(flat(place)).save(folder / f"f{number}.png")
    return folder


@pytest.mark.parametrize("name", ["frames", "frames/f%d.png", "frames/*.png"])
def test_pictures_in_natural_order(run, tmp_path, sequence, name):
    outcome = run("video", "encode", tmp_path / name, "-o", tmp_path / "a.mp4", "--fps", "24", "--qp", 10)
    assert outcome.code == 0, outcome.err
    times, luma, _ = read(tmp_path / "a.mp4")
    assert times == [Fraction(number, 24) for number in range(5)]
    assert np.abs(np.subtract(luma, [16 + 20 * number * 219 / 255 for number in range(5)])).max() < 2


def test_what_pictures_do_not_say(run, tmp_path, sequence):
    Image.fromarray(flat(1)[..., 0]).save(sequence / "f12.png")  # gray among colours
    Image.fromarray(np.dstack([flat(5), flat(3)[..., 0]])).save(sequence / "f13.png")
    (sequence / "notes.txt").write_text("x")
    outcome = run("video", "encode", sequence, "-o", tmp_path / "a.h264")
    assert outcome.code == 0 and len(list(codec.decode_video(tmp_path / "a.h264"))) == 7
    for words in ("25 per second", "f13.png: transparent pixels are laid on white", "notes.txt"):
        assert words in outcome.err
    Image.fromarray(flat(1)[:8]).save(sequence / "f14.png")
    outcome = run("video", "encode", sequence, "-o", tmp_path / "b.h264")
    assert outcome.code == 1 and "f14.png is 36x8, and the pictures before it are 36x20" in outcome.err
    assert not (tmp_path / "b.h264").exists()
    assert "there are no pictures" in run("video", "encode", tmp_path / "x%02d.png", "-o", tmp_path / "b.h264").err


@pytest.mark.parametrize("milliseconds", [[50] * 5, [50, 50, 200, 1000, 70]])
def test_animations_keep_their_times(run, tmp_path, milliseconds):
    frames = [Image.fromarray(flat(number)) for number in range(5)]
    for name in "a.gif", "a.png":
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=milliseconds)
        outcome = run("video", "encode", tmp_path / name, "-o", tmp_path / "a.mp4", "--overwrite", "--qp", 10)
        assert outcome.code == 0, outcome.err
        times, luma, _ = read(tmp_path / "a.mp4")
        assert times == [Fraction(sum(milliseconds[:number]), 1000) for number in range(5)]
        assert np.abs(np.subtract(luma, [16 + 20 * number * 219 / 255 for number in range(5)])).max() < 2


def test_more_bits_are_reduced_with_a_warning(run, tmp_path):
    deep = (np.arange(WIDTH * HEIGHT, dtype="<u2") % 1024).tobytes() + np.full(
        WIDTH * HEIGHT // 2, 512, "<u2"
    ).tobytes()
    (tmp_path / "in.y4m").write_bytes(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F25:1 C420p10\nFRAME\n".encode() + deep)
    outcome = run("video", "encode", tmp_path / "in.y4m", "-o", tmp_path / "a.h264", "--qp", 0)
    assert outcome.code == 0 and "10 bits are reduced to 8" in outcome.err
    (frame,) = codec.decode_video(tmp_path / "a.h264")
    wanted = np.minimum((np.arange(WIDTH * HEIGHT) % 1024 + 2) // 4, 255).reshape(HEIGHT, WIDTH)
    assert np.abs(frame.planes[0].astype(int) - wanted).max() <= 2


# ---------------------------------------------------------------- what is told


def test_scores_in_the_summary_and_in_json(run, tmp_path):
    (tmp_path / "in.y4m").write_bytes(y4m(5))
    words = ("video", "encode", tmp_path / "in.y4m", "--overwrite", "-o", tmp_path / "a.h264", "--psnr", "--ssim")
    told = run(*words).err
    assert "PSNR, over all frames: Y " in told and "SSIM, mean: Y " in told and "  I: 1, mean QP" in told
    found = run(*words, "--json").json
    wanted = codec.h264.encode_frames(y4m(5), metrics=("psnr", "ssim"))
    assert float(found["psnr"]["Y"]) == pytest.approx(wanted.psnr[0]) and found["ssim"]["Y"] == pytest.approx(
        wanted.ssim[0]
    )
    assert found["types"] == {"I": 1, "P": 1, "B": 3} and found["duration"] == 0.2
    assert set(found["pictures"][0]) == {"number", "type", "key", "qp", "bits", "psnr", "ssim"}


# ---------------------------------------------------------------- what is left


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
from codec.cli.main import main
main()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no limit of file sizes on this system")
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.h264"])
def test_a_full_disk(tmp_path, name):
    noise = np.random.default_rng(1).integers(0, 256, (9, HEIGHT, WIDTH, 3)).astype(np.uint8)
    planes = [codec.Frame.from_rgb(frame).planes for frame in noise]
    head = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F25:1 C420\n".encode()
    data = head + b"".join(b"FRAME\n" + b"".join(plane.tobytes() for plane in one) for one in planes)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "in.y4m").write_bytes(data)
    (tmp_path / "out").mkdir()
    words = ["video", "encode", str(tmp_path / "in" / "in.y4m"), "-o", str(tmp_path / "out" / name), "--qp", "5"]
    child = subprocess.run([sys.executable, "-c", LIMITED, *words], capture_output=True, text=True)
    assert child.returncode == 1 and f"cannot write {tmp_path / 'out' / name}: File too large" in child.stderr
    assert "Traceback" not in child.stderr and os.listdir(tmp_path / "out") == []


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("name", ["a.mp4", "a.h264"])
def test_an_interrupt_leaves_nothing(tmp_path, name):
    command = [sys.executable, "-c", "from codec.cli.main import main; main()"]
    words = ["video", "encode", "-", "-o", str(tmp_path / name)]
    with subprocess.Popen([*command, *words], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdin.write(y4m(100))
        child.stdin.flush()
        while not os.listdir(tmp_path):  # the temporary file appears
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=60) == 130
        assert b"interrupted" in child.stderr.read()
    assert os.listdir(tmp_path) == []


def test_a_reader_that_goes_is_no_error():
    command = [sys.executable, "-c", "from codec.cli.main import main; main()"]
    words = ["video", "encode", "-", "-o", "-", "--preset", "ultrafast", "--qp", "0"]
    with subprocess.Popen(
        [*command, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        child.stdin.write(y4m(100))
        child.stdin.flush()
        child.stdout.read(10)
        child.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(y4m(3000, start=100).split(b"\n", 1)[1])
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
        assert b"Traceback" not in child.stderr.read()


@pytest.mark.parametrize(
    "data, words",
    [
        (y4m(5)[:-7], "the data ends in frame 4"),
        (y4m(5).replace(b"H20", b"H21"), "no FRAME line before frame 1"),
        (b"YUV4MPEG2 W4 H4 F25:1\n", "there are no frames"),
        (b"junk" * 100, "FFmpeg cannot read this clip"),
        (b"", "empty"),
    ],
)
def test_damaged_input_leaves_nothing(run, tmp_path, data, words):
    (tmp_path / "in.y4m").write_bytes(data)
    for name in "a.mp4", "a.h264":
        outcome = run("video", "encode", tmp_path / "in.y4m", "-o", tmp_path / name)
        assert outcome.code == 1 and words in outcome.err and "in.y4m" in outcome.err
    assert os.listdir(tmp_path) == ["in.y4m"]


def test_a_size_that_changes_half_way(run, tmp_path):
    with av.open(str(tmp_path / "in.nut"), "w", format="nut") as container:
        video = container.add_stream("rawvideo", rate=25)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(6):
            container.mux(
                video.encode(av.VideoFrame.from_ndarray(flat(number), format="rgb24").reformat(format="yuv420p"))
            )
        container.mux(video.encode(None))
    assert run("video", "encode", tmp_path / "in.nut", "-o", tmp_path / "a.mp4").code == 0

    def frames():
        yield from (flat(number) for number in range(7))
        yield flat(7)[:10]

    with pytest.raises(codec.ParameterError, match="frame 7 is 36x10"):
        codec.write_video(tmp_path / "b.mp4", frames(), fps=25)
    assert sorted(os.listdir(tmp_path)) == ["a.mp4", "in.nut"]
