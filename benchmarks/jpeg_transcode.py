"""Size of recompressed JPEG files compared with jpegtran and mozjpeg's; checks that no coefficient changed.

usage: python benchmarks/jpeg_transcode.py FILE_OR_FOLDER ... [--most 50] [--least-bytes 4000] [-o rows.jsonl]

Peers: `jpegtran -optimize -progressive -copy all` (libjpeg-turbo, if on the path), the package
mozjpeg-lossless-optimization (if installed). Neither keeps data after EOI, so our figure excludes those bytes
too. Incomplete files, duplicates, and files that a peer refuses are skipped. The exit code is 1 if a
coefficient changed or a file grew.
"""

import argparse
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys

import codec
from codec.jpeg import read_coefficients, transcode


def jpegtran(data):
    made = subprocess.run(["jpegtran", "-optimize", "-progressive", "-copy", "all"], input=data, capture_output=True)
    return len(made.stdout) if made.returncode == 0 else None


def mozjpeg(data):
    import mozjpeg_lossless_optimization as moz

    try:
        return len(moz.optimize(data, copy=moz.COPY_MARKERS.ALL))
    except (ValueError, RuntimeError):
        return None


def peers():
    found = {"jpegtran": jpegtran} if shutil.which("jpegtran") else {}
    try:
        import mozjpeg_lossless_optimization  # noqa: F401
    except ImportError:
        return found
    return found | {"mozjpeg": mozjpeg}


def pictures(paths, least):
    """(path, bytes) of the files below `paths` that can be transcoded, each content once."""
    seen = set()
    for path in paths:
        for file in sorted(path.rglob("*.jp*g")) if path.is_dir() else [path]:
            data = file.read_bytes()
            digest = hashlib.sha256(data).digest()
            if len(data) >= least and digest not in seen:
                seen.add(digest)
                try:
                    yield file, data, read_coefficients(data)
                except codec.CodecError:
                    continue


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    parser.add_argument("--most", type=int, default=50)
    parser.add_argument("--least-bytes", type=int, default=4000)
    parser.add_argument("-o", "--output", type=pathlib.Path)
    options = parser.parse_args()
    others, rows, wrong = peers(), [], 0
    for file, data, source in pictures(options.paths, options.least_bytes):
        row = {"file": file.name, "before": len(data), **{name: peer(data) for name, peer in others.items()}}
        if None in row.values():
            continue
        made = transcode(data)
        row["ours"] = made.after - len(source.trailer)
        equal = read_coefficients(made.data).same_levels(source)
        wrong += not equal or made.after > len(data)
        rows.append(row | {"equal": equal})
        if len(rows) == options.most:
            break
    total = {name: sum(row[name] for row in rows) for name in ("before", *others, "ours")}
    print(f"{len(rows)} files, {wrong} changed or grown; bytes: {total}")
    for name in others:
        ratios = [row["ours"] / row[name] for row in rows]
        print(
            f"ours / {name}: {total['ours'] / total[name]:.4f} in all; "
            f"{sum(r > 1 for r in ratios)} larger, {sum(r > 1.01 for r in ratios)} by more than 1 %"
        )
    if options.output:
        options.output.write_text("".join(json.dumps(row) + "\n" for row in rows))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
