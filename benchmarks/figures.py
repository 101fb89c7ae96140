"""The sections of docs_figures.py: each takes {region: old text} and returns {region: new text}."""

import contextlib
import io
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PHOTOS = [f"samples/{name}" for name in ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "rocket.jpg")]
CODEC = [sys.executable, "-c", "from codec.cli.main import main; main()"]
MOST_LINES = 24  # longer transcripts are cut to the first three and last two lines


def data(*parts):
    """A file or folder of the public test data."""
    found = pathlib.Path(os.environ["CODEC_TEST_DATA"]).joinpath(*parts)
    if not found.exists():
        raise FileNotFoundError(f"{found} is missing: set CODEC_TEST_DATA")
    return found


def pngs(*parts):
    return sorted(map(str, data(*parts).glob("*.png")))


def bench(script, *words):
    """Standard output of another script of this folder. Exit code 1 is a finding that the output shows."""
    made = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / script, *map(str, words)], cwd=ROOT, capture_output=True, text=True
    )
    if made.returncode not in (0, 1) or not made.stdout:
        raise subprocess.CalledProcessError(made.returncode, script, stderr=f"\n{made.stderr}")
    return made.stdout


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines).replace("|  |", "| |")


def cpu_seconds(functions, times=5):
    """Least CPU time of each function, called in turn so that drift of the machine affects all alike."""
    least = dict.fromkeys(functions, float("inf"))
    for _ in range(times):
        for name, function in functions.items():
            start = time.process_time()
            function()
            least[name] = min(least[name], time.process_time() - start)
    return least


@contextlib.contextmanager
def workplace():
    """A folder with the pictures and clips under the names that the transcripts use."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "samples").symlink_to(ROOT / "samples")
        (folder / "photos").symlink_to(data("images/gb82-photo"))
        (folder / "foreman.y4m").symlink_to(data("video/foreman_qcif.y4m"))
        (folder / "BasketballPass.mkv").symlink_to(data("video/BasketballPass_416x240.ffv1.mkv"))
        yield folder


def replay(text, folder):
    """A transcript with the output of its `$ codec` lines made anew."""
    fence, *commands = re.split(r"^\$ codec ", text.strip("\n").removesuffix("```"), flags=re.M)
    made = [fence]
    for command in commands:
        lines = command.split("\n")
        count = next(i for i, line in enumerate(lines) if not line.endswith("\\")) + 1
        words = shlex.split("\n".join(lines[:count]).replace("\\\n", " "))
        run = subprocess.run(
            [*CODEC, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        output = run.stdout.splitlines()
        if "Traceback" in run.stdout:
            raise subprocess.CalledProcessError(run.returncode, words, stderr=f"\n{run.stdout}")
        output = output if len(output) <= MOST_LINES else [*output[:3], "...", *output[-2:]]
        made.append("$ codec " + "\n".join([*lines[:count], *output, ""]))
    return "".join(made) + "```"


def transcripts(old, folder):
    """The transcripts among the regions, run in the order of the page."""
    rows, new = folder / "rows.jsonl", {}
    for name, text in old.items():
        if "$ codec" in text:
            before = rows.read_bytes() if name == "extend" else None
            new[name] = replay(text, folder)
            if before is not None:  # what follows is about the rows without the extension
                rows.write_bytes(before)
    return new


def percent(value, digits=1):
    return f"{value:+.{digits}f} %"


def saving(delta):
    """ "12 % fewer bytes (8 to 17 %)" of a comparison."""
    low, high = delta.low, delta.high
    if low <= 0 <= high:
        return f"about as many bytes ({percent(delta.mean)}, interval {percent(low)} to {percent(high)})"
    ends = sorted((abs(low), abs(high)))
    return f"{abs(delta.mean):.0f} % {'fewer' if high < 0 else 'more'} bytes ({ends[0]:.0f} to {ends[1]:.0f} %)"


def demo(old):
    """docs/rd.png, as `make demo` draws it."""
    words = [*PHOTOS, "--quality", "10:95:5", "--subsampling", "4:2:0,4:4:4", "--no-memory"]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [*CODEC, "rd", "sweep", *words, "-o", f"{folder}/rows.jsonl", "--plot", DOCS / "rd.png"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        )  # fmt: skip
    return {}


def lab(old):
    """The experiment of docs/lab.md."""
    from codec import rd

    with workplace() as folder:
        new = transcripts(old, folder)
        points = rd.read_points(str(folder / "rows.jsonl"))
        shutil.copy(folder / "speed.png", DOCS / "lab_speed.png")
    found = rd.compare(points, "ssimulacra2", "jpeg, 4:2:0")
    by_psnr = rd.compare(points, "psnr", "jpeg, 4:2:0")
    speed = {one.family: one.encode_mpixels_per_second for one in rd.speeds(points, "ssimulacra2", "jpeg, 4:2:0")}
    ours = speed["jpeg, 4:2:0"]
    for key, family in (("444", "jpeg, 4:4:4"), ("mozjpeg", "mozjpeg, 4:2:0"), ("webp", "webp, 4:2:0")):
        new[f"{key}-bytes"], new[f"{key}-psnr"] = saving(found[family]), saving(by_psnr[family])
        new[f"{key}-time"] = f"{ours / speed[family]:.1f}"
    return new


def training(old):
    """The transcript of `codec rd train-matrix` in docs/lab.md."""
    with workplace() as folder:
        return transcripts(old, folder)


def videos(old):
    """Video codecs in docs/lab.md."""
    with workplace() as folder:
        return transcripts(old, folder)


def speed(old):
    """JPEG speeds of README.md."""
    import jpeg_speed

    rows = {(row["task"], row["codec"]): row["mp_per_s"] for row in jpeg_speed.measured(jpeg_speed.SAMPLES, 85, 9)}
    new = {}
    for key, task, name in (
        ("encode1", "encode 4:2:0", "codec effort 1"),
        ("encode5", "encode 4:2:0", "codec effort 5"),
        ("decode", "decode baseline 4:2:0", "codec"),
        ("progressive", "decode progressive 4:2:0", "codec"),
    ):
        new[key] = f"{rows[task, name]:.0f}"
        for peer, its in (
            ("simplejpeg", "simplejpeg"),
            ("Pillow", "Pillow progressive" if key == "encode5" else "Pillow"),
        ):
            if (task, its) in rows or (task, f"{its} baseline") in rows:
                theirs = rows.get((task, its)) or rows[task, f"{its} baseline"]
                new[f"{key}-{peer}"] = f"{rows[task, name] / theirs:.2f}x"
    return new


def metrics(old):
    """Speeds of the metrics in README.md."""
    import metrics_speed

    found = metrics_speed.measured()
    new = {name: f"{speed:.0f}" for name, speed in found.items()}
    return new | {f"{name}-ratio": f"{found[name] / found[f'skimage-{name}']:.0f}x" for name in ("psnr", "ssim")}


def bdrate(old):
    """BD-rates of README.md: ours and the peers against libjpeg-turbo."""
    from codec import jpeg, rd, registry

    def tuned(tune):
        ours = registry.by_name("jpeg")

        def encode(pixels, **setting):
            return jpeg.encode(pixels, tune=tune, **setting).data

        return replace(ours, name=f"jpeg-{tune}", encode=encode)

    ours = [tuned(tune) for tune in ("ssimulacra2", "ssim", "psnr")]
    parts = [
        ((ours[0],), {"effort": (5, 9)}),
        (ours[1:], {"effort": 9}),
        (("libjpeg-turbo:progressive=true", "mozjpeg", "jpegli"), {}),
    ]
    names = ("psnr", "psnr_y", "ssim", "ssimulacra2")
    quality, points = (20, 30, 40, 50, 60, 70, 80, 88, 93), []
    for codecs, more in parts:
        subsampling = {} if codecs[-1] == "jpegli" else {"subsampling": "4:2:0"}
        points += rd.sweep(
            pngs("images/kodak"), codecs=codecs, quality=quality, metrics=names, memory=False, **more, **subsampling
        )
    compared = {name: rd.compare(points, name, "libjpeg-turbo") for name in names}
    shown = {
        "jpeg-ssimulacra2, 4:2:0, effort 5": "default (effort 5)",
        "jpeg-ssimulacra2, 4:2:0, effort 9": "effort 9",
        "jpeg-ssim": 'effort 9, `tune="ssim"`',
        "jpeg-psnr": 'effort 9, `tune="psnr"`',
        "mozjpeg": "mozjpeg",
        "jpegli": "jpegli (baseline)",
    }
    rows = []
    for family in rd.families(points):
        label = next((text for key, text in shown.items() if _matches(family, key)), None)
        if label:
            rows.append((label, *(percent(compared[name][family].mean) for name in names)))
    order = list(shown.values())
    rows.sort(key=lambda row: order.index(row[0]))
    return {"table": table(("", "PSNR", "PSNR-Y", "SSIM", "SSIMULACRA 2"), rows)}


def _matches(family, key):
    """Whether all words of the key are words of the name of the family, which leaves out what all have in common."""
    words = family.split(", ")
    return words[0] == key.split(", ")[0] and all(w in words for w in key.split(", ") if w.startswith("effort"))


def effort(old):
    """docs/effort.md: the ladder, and its figure."""
    import jpeg_effort

    points = jpeg_effort.measured(pngs("images/kodak"), (30, 50, 70, 80, 90), times=3)
    jpeg_effort.draw(points)
    peers = {one.family: one for one in jpeg_effort.speeds(points, "ssimulacra2")}
    return {
        "table": jpeg_effort.table(points),
        "nine": f"{peers['jpeg, effort 9'].encode_mpixels_per_second:.1f}",
        "mozjpeg": f"{peers['mozjpeg'].encode_mpixels_per_second:.1f}",
    }


def targets(old):
    """How close files come to their targets: README.md."""
    import jpeg_targets

    from codec.targets import parse_target

    images = list(jpeg_targets.pictures([data("images/kodak")]))
    options = {"effort": 5, "subsampling": "auto"}
    rows = [
        (parse_target(text).measure, row)
        for text in jpeg_targets.TARGETS
        for name, image in images
        for row in [jpeg_targets.measured(name, image, parse_target(text), options)]
        if row
    ]
    most = {measure: max(row["off"] for of, row in rows if of == measure) for measure, _ in rows}
    encodes = [row["encodes"] for _, row in rows]
    return {
        "found": f"{len(rows)}",
        "encodes": f"{np.mean(encodes):.1f} encodes on average and {max(encodes)} at most",
        "sizes": f"{max(most['size'], most['bpp']):.1f} %",
        "scores": f"{most['psnr']:.2g} dB, {most['ssim']:.1g} SSIM and {most['ssimulacra2']:.2g} SSIMULACRA 2",
    }


def palette(old):
    """docs/palette.md and README.md: palettes against libimagequant."""
    import palette_table

    rows = palette_table.measured(pngs("images/kodak")[:8])
    new = {
        "table": table(
            ("", "colours", "PSNR", "SSIMULACRA 2", "PNG kB", "ms"),
            [
                (
                    name,
                    colors,
                    f"{row.psnr:.2f}",
                    f"{row.score:.1f}",
                    f"{row.size / 1e3:.0f}",
                    f"{1e3 * row.seconds:.0f}",
                )
                for (name, colors), row in rows.items()
            ],
        )
    }
    for colors in (256, 64, 16):
        ours, theirs = rows["default", colors], rows["libimagequant, dithered", colors]
        new[f"gain{colors}"] = f"{ours.score - theirs.score:.1f}"
        new[f"size{colors}"] = f"{ours.size / theirs.size:.2f}"
        new[f"time{colors}"] = f"{ours.seconds / theirs.seconds:.2f}"
    lines = [line.split() for line in bench("palette_kmeans.py", data("images/kodak")).splitlines()[1:]]
    errors, ratios = ([float(line[at]) for line in lines] for at in (2, 5))
    new["kmeans-error"] = f"{100 * (min(errors) - 1):+.1f} to {100 * (max(errors) - 1):+.1f} %"
    new["kmeans-ratio"] = f"{min(ratios):.0f} to {max(ratios):.0f}"
    return new


def pictures(old):
    """The pictures of docs/palette.md."""
    bench_pictures = ROOT / "benchmarks" / "palette_pictures.py"
    subprocess.run([sys.executable, bench_pictures], cwd=ROOT, check=True, capture_output=True, text=True)
    return {}


def png8(old):
    """PNG-8 files in docs/animation.md, against Pillow's of the same indices."""
    from PIL import Image

    from codec.palette import png8 as ours
    from codec.palette import quantize_colors

    ratios, packed = [], []
    for path in pngs("images/gb82-photo")[:8]:
        pixels = np.asarray(Image.open(path).convert("RGB"))[:512, :512]
        result = quantize_colors(pixels, 256)
        picture, buffer = Image.fromarray(result.indices, "P"), io.BytesIO()
        picture.putpalette(result.palette.tobytes())
        picture.save(buffer, "PNG", optimize=True)
        plain, better = (len(ours.encode_png(result, oxipng=oxipng).data) for oxipng in (False, True))
        ratios.append(100 - 100 * plain / len(buffer.getvalue()))
        packed.append(100 - 100 * better / plain)
    return {
        key: f"{min(values):.0f} to {max(values):.0f} %" for key, values in (("pillow", ratios), ("oxipng", packed))
    }


GIF_ROWS = {
    "codec, lossy=20 (default)": "**`lossy=20` (default)**",
    "codec, lossy=30": "`lossy=30`",
    "codec, lossy=40": "`lossy=40`",
    "codec, lossy=0": "`lossy=0`",
    "Pillow quantize + save": "Pillow, quantize and save",
    "FFmpeg palettegen/paletteuse": "FFmpeg palettegen/paletteuse",
    "FFmpeg, bayer": "FFmpeg, `dither=bayer:bayer_scale=3`",
    "FFmpeg, no dither": "FFmpeg, `dither=none`",
    "FFmpeg, stats_mode=diff, rectangle": "FFmpeg, `stats_mode=diff`, `diff_mode=rectangle`",
}


def gif(old):
    """Animated GIFs against Pillow's and FFmpeg's: docs/animation.md."""
    clips = [data("video", name) for name in ("BasketballPass_416x240.ffv1.mkv", "vid4_walk.ffv1.mkv")]
    with tempfile.NamedTemporaryFile() as file:
        bench("gif.py", *clips, "-o", file.name)
        rows = [json.loads(line) for line in pathlib.Path(file.name).read_text().splitlines()]
    by = {(row["clip"], row["program"]): row for row in rows}
    lines = [
        (label, *(text for clip in clips for row in [by[clip.name, name]]
                  for text in (f"{row['bytes'] / 1e3:.0f}", f"{row['ssimulacra2']:.1f}")))
        for name, label in GIF_ROWS.items()
    ]  # fmt: skip
    new = {
        "table": table(("", "BasketballPass kB", "SSIMULACRA 2", "Vid4 walk kB", "SSIMULACRA 2"), lines),
    }
    for key, clip in zip(("basketball", "vid4"), clips):
        own = [row for (name, program), row in by.items() if name == clip.name and program.startswith("codec")]
        peers = [row for (name, program), row in by.items() if name == clip.name and program.startswith("FFmpeg")]
        best = max(peers, key=lambda row: row["ssimulacra2"])
        ours = min((row for row in own if row["ssimulacra2"] >= best["ssimulacra2"]), key=lambda row: row["bytes"])
        new[key] = f"{best['bytes'] / ours['bytes']:.1f} (`{ours['program'].split(', ')[1].split()[0]}`)"
    return new


def scripts(old):
    """Searched scan scripts and arithmetic coding: docs/pixel_to_bitstream.md."""
    import jpeg_parts

    qualities = (30, 60, 75, 90)
    paths = pngs("images/kodak")
    head = (
        "",
        *(f"{'' if i else sub + ', quality '}{q}" for sub in ("4:2:0", "4:4:4") for i, q in enumerate(qualities)),
    )
    rows = [
        (f"effort {effort}", *(f"{jpeg_parts.script_saving(paths, effort, sub, q):.1f}"
                               for sub in ("4:2:0", "4:4:4") for q in qualities))
        for effort in (5, 9)
    ]  # fmt: skip
    rows.append(
        ("mozjpeg's search", *(f"{jpeg_parts.mozjpeg_script_saving(paths, sub, q):.1f}"
                               for sub in ("4:2:0", "4:4:4") for q in qualities))
    )  # fmt: skip
    saved = [jpeg_parts.arithmetic_saving(paths[:8], q) for q in (50, 75, 95)]
    return {"table": table(head, rows), "arithmetic": f"{saved[0]:.1f}, {saved[1]:.1f} and {saved[2]:.1f} %"}


def parts(old):
    """Worth of deringing and masking: docs/pixel_to_bitstream.md."""
    import jpeg_parts

    names = ("ssimulacra2", "psnr_y", "ssim_y")
    dering = {folder: jpeg_parts.without_dering(pngs("images", folder), names) for folder in ("gb82-screen", "kodak")}
    masking = jpeg_parts.without_masking(pngs("images/kodak"), ("ssim", "ssimulacra2"))
    return {
        "dering-screen": " / ".join(f"{dering['gb82-screen'][name].mean:+.1f}" for name in names),
        "dering-best": f"{min(one.value for one in dering['gb82-screen']['ssimulacra2'].images.values()):+.0f} %",
        "dering-kodak": " / ".join(f"{dering['kodak'][name].mean:+.1f}" for name in names),
        "masking-ssim": percent(masking["ssim"].mean),
        "masking-ssimulacra2": percent(masking["ssimulacra2"].mean),
    }


STREAMS = {"720p": "VID_1280x720_cabac_temporal_direct.264", "1080p": "VID_1920x1080_cavlc_temporal_direct.264"}


def _streams():
    return {name: data("h264/openh264-res", file) for name, file in STREAMS.items()}


def h264(old):
    """Frames per second of the H.264 decoder: README.md, docs/performance.md."""
    import h264_speed

    new = {}
    for name, path in _streams().items():
        found = h264_speed.measured(path, 7)
        new[f"{name}-fps"] = f"{found.one:.0f}"
        new[f"{name}-ffmpeg"] = f"{found.one / found.ffmpeg:.2f}x"
    return new


def threads(old):
    """Two threads of the H.264 decoder relative to one, on an idle machine: README.md, docs/performance.md."""
    import h264_speed

    if os.getloadavg()[0] > os.cpu_count() / 4:
        raise OSError(f"other work is running (load {os.getloadavg()[0]:.1f}): two threads would look too slow")
    return {name: f"{h264_speed.measured(path, 7).threads:.1f}" for name, path in _streams().items()}


def stages(old):
    """Nanoseconds per macroblock by stage: docs/performance.md."""
    columns = []
    for path in _streams().values():
        cells = [line.strip("| ").split(" | ") for line in bench("h264_stages.py", path).splitlines()[2:]]
        columns.append({stage: nanoseconds for stage, nanoseconds, _ in cells})
    names = [name for name in dict.fromkeys(name for column in columns for name in column) if "interpreter" not in name]
    rows = [(name, *(column.get(name, "0") for column in columns)) for name in names]
    return {"table": table(("stage", "720p CABAC, B pictures", "1080p CAVLC, B pictures"), rows)}


def kernels(old):
    """Nanoseconds per sample of the H.264 kernels: docs/performance.md."""
    import h264_kernels

    from codec import _core, cpu

    levels = [level for level in _core.BUILT_LEVELS if level <= cpu.level_index()]
    rows = []
    for name, samples, call in h264_kernels.cases(8):
        found = [h264_kernels.nanoseconds(call, level, samples) for level in levels]
        rows.append(
            (name, *(f"{ns:.2f}" for ns in found), *([f"{found[0] / found[1]:.1f}"] if len(found) == 2 else []))
        )
    return {"table": table(("kernel (`H264Dsp`), 8 bits", "scalar", "AVX2", "ratio"), rows)}


MEMORY = """
import sys, codec
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024
before = peak()
for frame in codec.decode_video(sys.argv[1], threads=int(sys.argv[2])):
    pass
print(peak() - before)
"""


def memory(old):
    """Peak memory of the H.264 decoder above that of the imports: docs/performance.md."""
    path = _streams()["1080p"]

    def peak(threads):
        words = [sys.executable, "-c", MEMORY, path, str(threads)]
        return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)

    return {f"threads{n}": f"{max(peak(n) for _ in range(3)):.0f} MB" for n in (1, 2)}


def conceal(old):
    """PSNR of concealed pictures: docs/pixel_to_bitstream.md."""
    clips = [
        data("video", name) for name in ("foreman_qcif.y4m", "BasketballPass_416x240.ffv1.mkv", "vid4_walk.ffv1.mkv")
    ]
    lines = [line.strip("| ").split(" | ") for line in bench("h264_conceal.py", *clips).splitlines()[2:]]
    rows = [(clip.replace("_", " "), coding, *figures[:3]) for clip, coding, _, *figures in lines]
    means = [f"{np.mean([float(row[at]) for row in rows]):.2f}" for at in (2, 3, 4)]
    rows.append(("mean", "", *means))
    return {"table": table(("clip (100 frames; vid4 47)", "coding", "copy", "FFmpeg", "here"), rows)}


def equality(old):
    """What the scalar quantizers agree with: docs/quantization.md, by the Python that `make test-interop` makes."""
    rows = [line for line in bench("quantizer_equality.py").splitlines() if line.startswith("|")]
    if len(rows) < old["table"].strip().count("\n") + 1:
        raise ImportError("libraries are missing: run it in the environment of make test-interop")
    return {"table": "\n".join(rows)}


def guide(old):
    """The other tables and the pictures of docs/quantization.md, which have marks of their own."""
    bench("quantization_guide.py")
    return {}


SECTIONS = {
    section.__name__: section
    for section in (
        demo, lab, training, videos, speed, metrics, bdrate, effort, targets, palette, pictures, png8, gif, scripts,
        parts, h264, threads, stages, kernels, memory, conceal, equality, guide,
    )
}  # fmt: skip
