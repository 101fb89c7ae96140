"""Put a software bill of materials into wheels: CycloneDX 1.6 in .dist-info/sboms/ (PEP 770).

    python release/sbom.py FOLDER        # every wheel in it

A wheel of codec holds codec alone: no library is copied or linked into it. The bill states that, with the hash of each file of compiled
code, and names what pip installs beside it.
"""

import hashlib
import json
import re
import sys
import uuid
import zipfile
from email.parser import HeaderParser
from pathlib import Path

COMPILED = (".so", ".pyd", ".dylib", ".dll")


def bill(wheel):
    """The bill of a wheel, as JSON types."""
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
        metadata = next(name for name in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        fields = HeaderParser().parsestr(opened.read(metadata).decode())
        hashes = {
            name: hashlib.sha256(opened.read(name)).hexdigest() for name in sorted(names) if name.endswith(COMPILED)
        }
    name, version = fields["Name"], fields["Version"]
    needed = [text for text in fields.get_all("Requires-Dist", []) if "extra ==" not in text]
    reference = f"pkg:pypi/{name}@{version}"
    files = [
        {"type": "file", "name": path, "bom-ref": path, "hashes": [{"alg": "SHA-256", "content": digest}]}
        for path, digest in hashes.items()
    ]
    libraries = [_library(text) for text in needed]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, reference + json.dumps(hashes))}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "name": name,
                "version": version,
                "bom-ref": reference,
                "purl": reference,
                "licenses": [{"expression": fields["License-Expression"]}],
            }
        },
        "components": [*files, *libraries],
        "dependencies": [{"ref": reference, "dependsOn": [each["bom-ref"] for each in libraries]}],
    }


def _library(requirement):
    """A package that is installed beside, with the versions that the wheel takes."""
    name = re.match(r"[\w.-]+", requirement)[0]
    purl = f"pkg:pypi/{name.lower()}"
    wanted = [{"name": "codec:requirement", "value": requirement}]
    return {"type": "library", "name": name, "bom-ref": purl, "purl": purl, "scope": "required", "properties": wanted}


def put(wheel):
    """Write the bill into a wheel, and its line into RECORD."""
    made = json.dumps(bill(wheel), indent=1).encode()
    with zipfile.ZipFile(wheel) as opened:
        contents = [(info, opened.read(info)) for info in opened.infolist()]
    folder = next(info.filename for info, _ in contents if info.filename.endswith(".dist-info/METADATA")).split("/")[0]
    place = f"{folder}/sboms/codec.cdx.json"
    line = f"{place},{_digest(made)},{len(made)}\n"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as written:
        for info, data in contents:
            if info.filename == place:
                continue
            if info.filename == f"{folder}/RECORD":
                kept = [each for each in data.decode().splitlines(True) if not each.startswith(f"{place},")]
                written.writestr(place, made)
                data = "".join([*kept, line]).encode()
            written.writestr(info, data)
    return place


def _digest(data):
    """As RECORD has it: the URL-safe base64 of SHA-256 without padding."""
    from base64 import urlsafe_b64encode

    return "sha256=" + urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def main():
    for wheel in sorted(Path(sys.argv[1]).glob("codec-*.whl")):
        print(wheel.name, put(wheel))


if __name__ == "__main__":
    main()
