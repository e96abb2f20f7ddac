"""The mark inside every written sample file that says: this is synthetic.

PNG, GIF and WebP carry an XMP packet with the IPTC property `DigitalSourceType` (IPTC Photo Metadata Standard 2023.1, and its controlled
vocabulary of digital source types), which is what picture agencies, search engines and social platforms read. An .npz file carries
an array `provenance`, a CSV a first line that starts with `#`. Nothing else goes in: no path, no user, no host, no date, so that the
same samples give the same bytes.
"""

import json
import os
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4
from xml.etree import ElementTree

import numpy as np
from PIL import Image, PngImagePlugin

from mulligan import __version__
from mulligan.errors import DataError, DiskError, UsageError

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_OWN = "urn:mulligan:mark:1"
PICTURES = (".png", ".webp")  # what holds a picture without loss
FILMS = (".gif", ".webp")
_LARGEST_WEBP = 16_383  # pixels of a side
_PNG_KEYWORD = "XML:com.adobe.xmp"
_GIF_HEADER = b"\x21\xff\x0bXMP DataXMP"
# XMP in a GIF is not cut into sub-blocks; this trailer leads a reader that does not know that to the end from any byte of the packet.
_GIF_TRAILER = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
_NPZ_KEY = "provenance"
_CSV_START = "# synthetic "


@dataclass(frozen=True)
class Mark:
    """What a synthetic file says of itself.

    composite: real samples stand beside the synthetic ones. model: hash of the model's weights, if known. seed: of the samples.
    """

    composite: bool = False
    model: str = ""
    seed: int | None = None


def write_picture(image: Image.Image, path: Path, mark: Mark | None) -> None:
    """Write a PNG or a WebP without loss, by the ending. Raises UsageError for a picture that WebP cannot hold, DiskError."""
    content = webp_bytes([image], mark) if path.suffix.lower() == ".webp" else png_bytes(image, mark)
    replace(path, lambda file: file.write(content))


def write_film(frames: Sequence[Image.Image], path: Path, mark: Mark | None, milliseconds: int | Sequence[int] = 200) -> None:
    """Write an endlessly repeating GIF, or a WebP without loss, by the ending. Raises as `write_picture` does."""
    if path.suffix.lower() != ".webp":
        write_gif(frames, path, mark, milliseconds)
        return
    content = webp_bytes(frames, mark, milliseconds)
    replace(path, lambda file: file.write(content))


def webp_bytes(frames: Sequence[Image.Image], mark: Mark | None, milliseconds: int | Sequence[int] = 200) -> bytes:
    """A WebP without loss, with its mark: a picture, or several that repeat. Raises UsageError for a picture that is too large."""
    first, *others = frames
    if max(first.size) > _LARGEST_WEBP:
        width, height = first.size
        raise UsageError(f"a picture of {width:,} x {height:,} pixels: WebP holds at most {_LARGEST_WEBP:,} a side", "Name a .png file")
    buffer = BytesIO()
    duration = milliseconds if isinstance(milliseconds, int) else list(milliseconds)
    film: dict[str, Any] = {"save_all": True, "append_images": others, "duration": duration, "loop": 0} if others else {}
    packet = b"" if mark is None else _packet(mark).encode()
    first.save(buffer, format="WEBP", lossless=True, exact=True, method=2, xmp=packet, **film)  # method 4 is slower and hardly smaller
    return buffer.getvalue()


def write_png(image: Image.Image, path: Path, mark: Mark | None) -> None:
    """Write a PNG, complete or not at all; `mark` is None for real data alone. Raises DiskError."""
    replace(path, lambda file: file.write(png_bytes(image, mark)))


def png_bytes(image: Image.Image, mark: Mark | None) -> bytes:
    """A PNG with its mark, for what embeds pictures (reports, pages)."""
    chunks = PngImagePlugin.PngInfo()
    if mark is not None:
        chunks.add_itxt(_PNG_KEYWORD, _packet(mark))
    buffer = BytesIO()
    image.save(buffer, format="PNG", pnginfo=chunks)  # optimize=True takes eight times as long, for three per cent
    return buffer.getvalue()


def write_gif(frames: Sequence[Image.Image], path: Path, mark: Mark | None, milliseconds: int | Sequence[int] = 200) -> None:
    """Write an endlessly repeating GIF, complete or not at all; `milliseconds` per frame, one number or one each. Raises DiskError."""
    first, *others = frames
    buffer = BytesIO()
    duration = milliseconds if isinstance(milliseconds, int) else list(milliseconds)
    first.save(buffer, format="GIF", save_all=True, append_images=others, duration=duration, loop=0, optimize=False)
    content = buffer.getvalue()
    if mark is not None:
        content = _insert_in_gif(content, _packet(mark).encode())
    replace(path, lambda file: file.write(content))


def write_npz(arrays: Mapping[str, np.ndarray], path: Path, mark: Mark | None) -> None:
    """Write compressed arrays, complete or not at all. Raises DiskError."""
    replace(path, lambda file: _save_npz(arrays, file, mark))


def npz_bytes(arrays: Mapping[str, np.ndarray], mark: Mark | None) -> bytes:
    """Compressed arrays with their mark, for what sends them."""
    buffer = BytesIO()
    _save_npz(arrays, buffer, mark)
    return buffer.getvalue()


def _save_npz(arrays: Mapping[str, np.ndarray], file: BinaryIO, mark: Mark | None) -> None:
    extra = {} if mark is None else {_NPZ_KEY: np.array(json.dumps(said(mark)))}
    named: dict[str, Any] = {**arrays, **extra}
    np.savez_compressed(file, **named)


def write_csv(columns: Sequence[str], rows: np.ndarray, path: Path, mark: Mark | None) -> None:
    """Write numbers (N, len(columns)) as a table, complete or not at all. Raises DiskError.

    The mark is a first line that starts with `#`, which `mulligan train`, numpy and (with comment="#") pandas step over.
    """
    lines = [] if mark is None else [_CSV_START + json.dumps(said(mark))]
    lines.append(",".join('"' + name.replace('"', '""') + '"' for name in columns))
    lines.extend(",".join(f"{number:.9g}" for number in row) for row in rows.tolist())
    replace(path, lambda file: file.write(("\n".join(lines) + "\n").encode()))


def read_mark(path: Path) -> dict[str, Any] | None:
    """What a PNG, GIF, WebP, .npz, .csv or .onnx file says of itself; None where it does not say that it is synthetic.

    Returns {"synthetic": True, "composite": bool, "source_type": str, "generator": str, "model": str, "seed": int | None}.
    """
    suffix = path.suffix.lower()
    if suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return _from_json(str(arrays[_NPZ_KEY])) if _NPZ_KEY in arrays else None
    if suffix == ".csv":
        with path.open(encoding="utf-8") as lines:
            first = lines.readline(4096)
        return _from_json(first[len(_CSV_START) :]) if first.startswith(_CSV_START) else None
    if suffix == ".onnx":
        return _from_json(_onnx_entry(path))
    packet = _packet_of(path)
    return _from_packet(packet) if packet is not None else None


def inspected(path: Path) -> dict[str, Any] | None:
    """As `read_mark`, of a file that anybody may have made. Raises DataError for what cannot be read."""
    known = (".png", ".gif", ".webp", ".npz", ".csv", ".onnx")
    if path.suffix.lower() not in known:
        raise DataError(f"{path.name}: a mark is looked for in {', '.join(known)} files", "Name such a file")
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        return read_mark(path)
    except Exception as error:  # decoders raise whatever they like, and all of it means that the file is broken
        raise DataError(f"{path} cannot be read ({type(error).__name__}: {' '.join(str(error).split())[:200]})") from None


def make_folder(path: Path) -> None:
    """Make a folder, with those above it, unless it is there. Raises DiskError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"{path} cannot be made ({error.strerror or error})", "Choose another folder") from error


def replace(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file beside its place and rename it there, so that no reader ever sees half of it. Raises DiskError."""
    beside = path.with_name(f".{uuid4().hex[:12]}.part")
    try:
        try:
            with beside.open("wb") as file:
                write(file)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise DiskError(f"{path} cannot be written ({error.strerror or error})", "Free some space, or choose another folder") from error


def onnx_entry(mark: Mark) -> tuple[str, str]:
    """What an ONNX file says of what its model makes: a key and a value of its metadata."""
    return _NPZ_KEY, json.dumps(said(mark))


def _onnx_entry(path: Path) -> str:
    """The mark in the metadata of an ONNX file; empty where there is none. The file is searched for it, and nothing in it is run."""
    content = path.read_bytes()
    start = content.rfind(b'{"synthetic": true')
    return content[start : content.find(b"}", start) + 1].decode() if start >= 0 else ""


def said(mark: Mark) -> dict[str, Any]:
    """What a file with this mark says of itself."""
    term = "compositeWithTrainedAlgorithmicMedia" if mark.composite else "trainedAlgorithmicMedia"
    return {
        "synthetic": True,
        "composite": mark.composite,
        "source_type": SOURCE_TYPES + term,
        "generator": f"Mulligan {__version__}",
        "model": mark.model,
        "seed": mark.seed,
    }


def _packet(mark: Mark) -> str:
    """The XMP packet (ISO 16684-1) of a mark."""
    facts = said(mark)
    for prefix, space in {"x": "adobe:ns:meta/", "rdf": _RDF, "Iptc4xmpExt": _IPTC, "xmp": _XMP, "mulligan": _OWN}.items():
        ElementTree.register_namespace(prefix, space)
    root = ElementTree.Element("{adobe:ns:meta/}xmpmeta")
    about = {
        f"{{{_RDF}}}about": "",
        f"{{{_IPTC}}}DigitalSourceType": facts["source_type"],
        f"{{{_XMP}}}CreatorTool": facts["generator"],
        f"{{{_OWN}}}mark": json.dumps(facts),
    }
    ElementTree.SubElement(ElementTree.SubElement(root, f"{{{_RDF}}}RDF"), f"{{{_RDF}}}Description", about)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{body}<?xpacket end="r"?>'


def _insert_in_gif(content: bytes, packet: bytes) -> bytes:
    """Put the packet behind the header and the global colour table (XMP specification, part 3, GIF)."""
    flags = struct.unpack_from("<6s2HB", content)[3]
    table = 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0
    place = 13 + table
    # An application extension needs version 89a, which Pillow writes only where something else asks for it.
    return b"GIF89a" + content[6:place] + _GIF_HEADER + packet + _GIF_TRAILER + content[place:]


def _packet_of(path: Path) -> bytes | None:
    with path.open("rb") as file:
        start = file.read(6)
    if start[:3] == b"GIF":
        content = path.read_bytes()
        place, end = content.find(_GIF_HEADER), content.find(_GIF_TRAILER)
        return content[place + len(_GIF_HEADER) : end] if 0 <= place < end else None
    if start[:4] == b"RIFF":
        return _packet_in_webp(path.read_bytes())
    with Image.open(path, formats=("PNG",)) as image:
        packet = image.info.get(_PNG_KEYWORD)
    return packet.encode() if isinstance(packet, str) else None


def _packet_in_webp(content: bytes) -> bytes | None:
    """The packet in its chunk of a RIFF file, found without decoding any picture. Raises DataError where the file is no WebP."""
    if content[8:12] != b"WEBP":
        raise DataError("this is no WebP")
    place = 12
    while place + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, place)
        if name == b"XMP ":
            return content[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
    return None


def _from_packet(packet: bytes) -> dict[str, Any] | None:
    if b"<!" in packet:  # no document types, so no entities either
        return None
    try:
        root = ElementTree.fromstring(packet)
    except ElementTree.ParseError:
        return None
    for description in root.iter(f"{{{_RDF}}}Description"):
        own = description.get(f"{{{_OWN}}}mark")
        if own is not None:
            return _from_json(own)
    return None


def _from_json(text: str) -> dict[str, Any] | None:
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) and facts.get("synthetic") is True else None
