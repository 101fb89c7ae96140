"""`codec quantize`: choose a quantizer for numbers, apply it, and undo it."""

import os
import shlex
import sys

import click

from . import _options as options
from ._common import Failure, echo_json, printable, say, size, warn

AUTO = "auto"


@click.command()
@click.argument("data", metavar="DATA")
@click.option("-b", "--bits", type=click.IntRange(1, 16), metavar="N", help="Bits of a code.  [default: 8]")
@click.option("--sqnr", type=float, metavar="DB", help="Instead: signal to noise to reach, with entropy coding.")
@click.option(
    "--method",
    type=options.Known("quantizers.recommendation:METHODS", (AUTO,)),
    default=AUTO,
    show_default=True,
    help="auto: the recommended one.",
)
@click.option("--array", metavar="NAME", help="Which array of an .npz or .onnx file.")
@click.option("--report", "page", metavar="FILE.html", help="Write a page with ranks, figures and reasons.")
@click.option("--apply", "apply_", is_flag=True, help="Write codes and parameters to -o.")
@click.option("--decode", is_flag=True, help="DATA holds codes: write the values that they stand for to -o.")
@click.option("-o", "--output", metavar="OUT", help="--apply: .npz, or .wav for G.711. --decode: .npy or .wav.")
@options.overwrite
@options.as_json_not_table
def quantize(data, bits, sqnr, method, array, page, apply_, decode, output, overwrite, as_json):
    """Choose a quantizer for numbers, measure it, apply it.

    DATA is an array (.npy, .npz, .onnx), a picture, or sound (.wav and others, with pip install codec[audio]). Without
    --apply nothing but the report is written: quantizers are fitted, measured and ranked. Clipping, conversions and
    other losses are warned of, and listed in --json. NaN and infinities are refused.

    --apply writes an .npz with the arrays codes, quantizer (JSON, see codec.quantizers.Quantizer.from_json) and source
    (JSON: name, kind, format, dtype, sample_rate); with --method g711-mu or g711-a, 16-bit sound becomes a .wav of
    codes if -o ends so. --decode takes both back: to .npy, and sound to a .wav of 16 bits.

    \b
    Examples:
      codec quantize weights.npz --array fc1 --bits 8 --report out.html
      codec quantize photo.png --sqnr 30 --json
      codec quantize speech.wav --method g711-mu --apply -o speech-mu.wav
      codec quantize speech-mu.wav --decode -o back.wav
      codec quantize x.npy --bits 4 --apply -o codes.npz
      codec quantize codes.npz --decode -o back.npy
    """
    _check_options(bits, sqnr, method, page, apply_, decode, output)
    if output is not None and os.path.lexists(output) and not overwrite:
        raise Failure(f"{output} exists: add --overwrite to replace it")
    if page is not None and os.path.lexists(page) and not overwrite:
        raise Failure(f"{page} exists: add --overwrite to replace it")
    if decode:
        _decode(data, output, array, as_json)
        return
    _choose(data, bits, sqnr, method, array, page, output if apply_ else None, as_json)


def _check_options(bits, sqnr, method, page, apply_, decode, output):
    if bits is not None and sqnr is not None:
        raise click.UsageError("--bits and --sqnr exclude each other")
    if apply_ and decode:
        raise click.UsageError("--apply and --decode exclude each other")
    if (apply_ or decode) != (output is not None):
        raise click.UsageError("name a file with -o" if apply_ or decode else "-o needs --apply or --decode")
    stray = [name for name, value in (("--bits", bits), ("--sqnr", sqnr), ("--report", page)) if value is not None]
    if decode and (stray or method != AUTO):
        raise click.UsageError(f"{(stray or ['--method'])[0]} has no meaning with --decode: the file says it")
    suffix = os.path.splitext(output or "")[1].lower()
    if apply_ and suffix not in (".npz", ".wav"):
        raise click.UsageError("--apply writes .npz, or .wav for G.711")
    if apply_ and suffix == ".wav" and not method.startswith("g711"):
        raise click.UsageError("a .wav of codes needs --method g711-mu or g711-a; other codes go to .npz")
    if page is not None and os.path.splitext(page)[1].lower() not in (".html", ".htm"):
        raise click.UsageError(f"--report writes HTML: {page} must end in .html")
    if decode and suffix not in (".npy", ".wav"):
        raise click.UsageError("--decode writes .npy or .wav")


# ---------------------------------------------------------------- choose and apply


def _choose(data, bits, sqnr, method, array, page, output, as_json):
    from ..errors import ParameterError
    from ..formats import signals
    from ..quantizers import analyse, recommend, recommendation

    try:
        signal = signals.load(data, array=array)
    except ParameterError as error:
        if "choose one of them" not in str(error):
            raise
        raise click.UsageError(f"{error} with --array") from error
    values, notes = signal.values, [*signal.warnings, *_conversions(signal.values)]
    if len(notes) > len(signal.warnings):
        values = values.astype("float64")
    if sqnr is None:
        bits = 8 if bits is None else bits
    try:
        ranked = recommend(values, bits=bits, sqnr=sqnr)
    except ParameterError as error:
        raise ParameterError(f"{signal.name}: {error}") from error
    goal = f"at most {bits} bits for a code" if sqnr is None else f"{sqnr:g} dB with entropy coding"
    chosen = _place(ranked, method, goal)
    q = ranked[chosen].quantizer
    if values.size > recommendation.SAMPLE:  # chosen by a sample, applied to all
        q.fit(values)
    report = analyse(values, q)
    notes += _losses(report)
    for note in notes:
        warn(data, note)
    if page is not None:
        _write_page(page, signal, values, ranked, chosen, goal, notes)
    written = _apply(signal, values, q, output) if output is not None else None
    if as_json:
        _show_json(signal, bits, sqnr, ranked, chosen, report, notes, written)
    else:
        _show(ranked, chosen, report, bits)
    if written is not None:
        say(f"{output}: {size(written)}")


def _place(ranked, method, goal):
    if method == AUTO:
        return 0
    for place, one in enumerate(ranked):
        if one.method == method:
            return place
    names = ", ".join(one.method for one in ranked)
    why = ": g711 takes 16-bit samples at 8 bits" if method.startswith("g711") else f" with {goal}"
    raise click.UsageError(f"--method {method} does not fit this data{why}; these do: {names}")


def _conversions(values):
    """What the conversion of the data to float64 loses."""
    import numpy as np

    if values.dtype.kind in "iu" and values.dtype.itemsize == 8 and values.size:
        largest = max(abs(int(values.min())), abs(int(values.max())))
        if largest > 2**53:
            yield f"{values.dtype} values up to {largest} are rounded to float64"
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        yield f"{np.dtype(values.dtype).name} values are rounded to float64"


def _losses(report):
    if report.clipped_low or report.clipped_high:
        yield (
            f"{100 * report.clipped:.3g} % of the values are clipped, {report.clipped_low} below and "
            f"{report.clipped_high} above: the largest error is {report.max_error:.6g}"
        )


def _write_page(page, signal, values, ranked, chosen, goal, notes):
    from .. import rd

    facts = [
        ("file", signal.name),
        ("format", signal.format),
        ("dtype", str(signal.values.dtype)),
        ("shape", str(values.shape)),
    ]
    text = rd.quantization_report(
        values,
        ranked,
        page,
        chosen=chosen,
        name=os.path.basename(signal.name),
        goal=f"Wanted: {goal}.",
        command=shlex.join(["codec", *sys.argv[1:]]),
        facts=facts,
        notes=notes,
    )
    say(f"{page}: {size(len(text))}")


def _apply(signal, values, q, output):
    """Write codes and parameters; gives the number of bytes."""
    import io
    import json

    import numpy as np

    from ..formats import signals
    from ..quantizers import G711
    from ..sources.files import write_atomic

    codes = q.encode(values)
    if output.lower().endswith(".wav"):
        if signal.kind != "audio" or not isinstance(q, G711):
            raise click.UsageError("a .wav of codes is for sound: write .npz")
        made = signals.wav(codes, signal.sample_rate, q.settings()["law"])
    else:
        source = {"name": signal.name, "kind": signal.kind, "format": signal.format, "dtype": str(signal.values.dtype)}
        source["sample_rate"] = signal.sample_rate
        stream = io.BytesIO()
        np.savez_compressed(stream, codes=codes, quantizer=np.array(q.to_json()), source=np.array(json.dumps(source)))
        made = stream.getvalue()
    write_atomic(output, made)
    return len(made)


def _show(ranked, chosen, report, bits):
    click.echo("\t".join(["", "quantizer", "SQNR dB", "rate bits", "code bits", "clipped %", "max error", "why"]))
    for place, one in enumerate(ranked):
        r = one.report
        # With entropy coding no code has the length of all that there could be.
        length = r.bits_used if bits is None else r.bits
        numbers = (
            f"{round(r.sqnr, 2) + 0.0:.2f}",
            f"{r.entropy:.3f}",
            f"{length}",
            f"{100 * r.clipped:.3g}",
            f"{r.max_error:.4g}",
        )
        mark = "*" if place == chosen else ""
        click.echo("\t".join([mark, one.method, *numbers, printable("; ".join(one.reasons))]))
    click.echo(f"\n{printable(report.quantizer)} on all {report.count} values:")
    for key, value in report.as_dict().items():
        if isinstance(value, (int, float, str)) and key not in ("quantizer", "count"):
            click.echo(f"{key}\t{value:.6g}" if isinstance(value, float) else f"{key}\t{printable(value)}")


def _show_json(signal, bits, sqnr, ranked, chosen, report, notes, written):
    import json

    echo_json(
        "quantize",
        data=signal.name,
        kind=signal.kind,
        format=signal.format,
        dtype=str(signal.values.dtype),
        shape=list(signal.values.shape),
        sample_rate=signal.sample_rate,
        bits=bits,
        target_sqnr=sqnr,
        warnings=list(notes),
        chosen=ranked[chosen].method,
        quantizer=json.loads(ranked[chosen].quantizer.to_json()),
        report=report.as_dict(),
        ranked=[{"method": one.method, "reasons": list(one.reasons), "report": one.report.as_dict()} for one in ranked],
        bytes=written,
    )


# ---------------------------------------------------------------- decode


def _decode(data, output, array, as_json):
    import io

    import numpy as np

    from ..formats import signals
    from ..sources.files import write_atomic

    if array is not None:
        raise click.UsageError("--array is for data, not for codes")
    values, source = _coded_sound(data) if data.lower().endswith(".wav") else _codes(data)
    notes = []
    if output.lower().endswith(".wav"):
        samples, notes = _samples_16(values, source)
        made = signals.wav(samples, source["sample_rate"])
    else:
        stream = io.BytesIO()
        np.save(stream, values)
        made = stream.getvalue()
    for note in notes:
        warn(data, note)
    write_atomic(output, made)
    if as_json:
        echo_json(
            "quantize", data=data, source=source, shape=list(values.shape), dtype=str(values.dtype), warnings=notes,
            bytes=len(made),
        )  # fmt: skip
    say(f"{output}: {size(len(made))}")


def _coded_sound(data):
    from ..formats import signals

    signal = signals.load(data)
    if not signal.format.startswith("G.711"):
        raise Failure(f"{data} holds {signal.format}, not codes of G.711: there is nothing to decode")
    return signal.values, {"kind": "audio", "format": "16-bit PCM", "sample_rate": signal.sample_rate}


def _codes(data):
    import json

    from .. import quantizers
    from ..sources.arrays import named_arrays

    for name in quantizers.__all__:  # from_json knows the classes that are loaded
        getattr(quantizers, name)
    members = named_arrays(data)
    if not {"codes", "quantizer", "source"} <= set(members):
        raise Failure(f"{data} holds no codes: it needs the arrays codes, quantizer and source that --apply writes")
    try:
        source = json.loads(str(members["source"]))
        kind, rate = source["kind"], source.get("sample_rate")
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Failure(f"{data}: the array source is no record of --apply") from None
    if kind == "audio" and (not isinstance(rate, int) or rate < 1):
        raise Failure(f"{data}: the record of the source has no sample rate")
    q = quantizers.Quantizer.from_json(str(members["quantizer"]))
    return q.decode(members["codes"]), source


# Formats of sound -> what a sample is multiplied by to have 16 bits.
TO_16 = {"8-bit PCM": 256, "16-bit PCM": 1, "24-bit PCM": 2.0**-8, "32-bit PCM": 2.0**-16}


def _samples_16(values, source):
    """Decoded sound as int16, and what that loses."""
    import numpy as np

    if source["kind"] != "audio":
        raise Failure("the codes are not of sound: write .npy")
    notes = []
    # Floats are -1..1; what G.711 decodes to has 16 bits.
    factor = 1 if source["format"].startswith("G.711") else TO_16.get(source["format"], 32768)
    if factor < 1 or factor == 32768:
        notes.append(f"{source['format']} is written as 16-bit PCM")
    exact = np.asarray(values, np.float64) * factor
    whole = np.rint(exact)
    samples = np.clip(whole, -32768, 32767).astype(np.int16)
    if (whole != exact).any() and not notes:
        notes.append("decoded values are rounded to 16-bit integers")
    if (samples != whole).any():
        notes.append(f"{int((samples != whole).sum())} samples are clipped to 16 bits")
    return samples, notes
