"""Images in folders that anything may have been put into: what is there, and one image out of one file.

Nothing is decoded before its header says how large it will be. Whatever cannot be used is told with its reason.
"""

import errno
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mulligan.data.dataset import Skipped
from mulligan.errors import DataError, MulliganError

# Formats that Pillow decodes itself: no PostScript, which would start another program.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
ENDINGS = frozenset([".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"])
OTHER_IMAGES = frozenset([".heic", ".heif", ".avif", ".jxl", ".jp2", ".psd", ".svg", ".raw", ".cr2", ".nef", ".dng"])
MOST_PIXELS = 80_000_000
MOST_BYTES = 200_000_000
MOST_TEXT = 1_000_000  # bytes of text in a PNG, which nobody here reads
MOST_CHUNKS = 100_000
FEWEST_PIXELS = 4  # along a side


class UnusableError(Exception):
    """Why one file is not used."""


def find_images(root: Path) -> tuple[list[str], list[Skipped]]:
    """Files below a folder that look like images, and those that do not, as names relative to it, sorted.

    Links are followed, each folder once. Raises DataError if the folder itself cannot be read.
    """
    names: list[str] = []
    skipped: list[Skipped] = []
    seen: set[tuple[int, int]] = set()
    for name, reason, broken in _walk(root, "", seen):
        if reason:
            skipped.append(Skipped(printable(name), reason, broken))
        else:
            names.append(name)
    return sorted(names), skipped


def _walk(root: Path, inside: str, seen: set[tuple[int, int]]) -> Iterator[tuple[str, str, bool]]:
    """Yield (name, why it is not used or "", whether that is a broken image)."""
    folder = root / inside
    try:
        here = folder.stat()
        entries = sorted(os.listdir(folder))
    except OSError as error:
        if not inside:
            raise DataError(f"{root} cannot be read ({error.strerror})", "Check its name and your permissions") from None
        yield inside, f"cannot be read ({error.strerror})", False
        return
    seen.add((here.st_dev, here.st_ino))
    for entry in entries:
        name = f"{inside}/{entry}" if inside else entry
        is_image = Path(entry).suffix.lower() in ENDINGS
        if entry.startswith(".") or entry == "__MACOSX":
            yield name, "hidden", False
            continue
        try:
            found = (root / name).stat()
        except OSError as error:
            yield name, _why_no_file(error), is_image
            continue
        if stat.S_ISDIR(found.st_mode):
            if is_image:
                yield name, "a folder, not an image", True
            elif (found.st_dev, found.st_ino) in seen:
                yield name, "a link to a folder that is read already", False
            else:
                yield from _walk(root, name, seen)
        else:
            yield (name, *_why_not(entry, found))


def _why_no_file(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "a link that leads back to itself"
    return "a link to nothing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"


def _why_not(entry: str, found: os.stat_result) -> tuple[str, bool]:
    ending = Path(entry).suffix.lower()
    if ending in OTHER_IMAGES:
        return f"{ending} cannot be read; convert it to PNG or JPEG", True
    if ending not in ENDINGS:
        return "not an image by its name", False
    if not stat.S_ISREG(found.st_mode):
        return "not a regular file", True
    if found.st_size == 0:
        return "empty", True
    return "", False


def read_image(path: Path, side: int) -> Image.Image:
    """One image, upright, of mode L or RGB; transparent parts are white. Raises UnusableError with the reason.

    side: about which size will be made of it; a large JPEG is decoded to no more than is needed for that.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > MOST_BYTES:
                raise UnusableError(f"larger than {MOST_BYTES // 1_000_000} MB")
            if file.read(8) == b"\x89PNG\r\n\x1a\n":
                _check_png(file)
            file.seek(0)
            with Image.open(file, formats=FORMATS) as image:
                _check(image)
                image.draft(image.mode, (2 * side, 2 * side))
                image.load()
                return _eight_bits(ImageOps.exif_transpose(image))
    except MulliganError:  # a signal that arrived meanwhile
        raise
    except UnusableError:
        raise
    except PermissionError:
        raise UnusableError("not readable: permission denied") from None
    except Image.DecompressionBombError:  # Pillow's own limit is higher than the one here
        raise _too_many() from None
    except UnidentifiedImageError:
        raise UnusableError("not an image, whatever its name says") from None
    except Exception as error:  # a broken file can make a decoder raise anything
        raise UnusableError(f"broken ({printable(str(error))[:120] or type(error).__name__})") from None


def _check(image: Image.Image) -> None:
    """Refuse by the header alone what would be too large, too small, or many pictures in one."""
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise _too_many()
    if min(width, height) < FEWEST_PIXELS:
        raise UnusableError(f"{width} x {height} pixels are too few (at least {FEWEST_PIXELS} x {FEWEST_PIXELS})")
    # A camera's MPO file is one photograph with previews of itself; the others are films or booklets.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise UnusableError("more than one picture in it (animation or pages)")


def _too_many() -> UnusableError:
    return UnusableError(f"more than {MOST_PIXELS // 1_000_000} million pixels")


def _check_png(file: BinaryIO) -> None:
    """Refuse a PNG with much text, which would be unpacked into memory before the first pixel."""
    place, text = 8, 0
    for _ in range(MOST_CHUNKS):
        file.seek(place)
        header = file.read(8)
        if len(header) < 8 or header[4:] == b"IEND":
            return
        length, name = struct.unpack(">I4s", header)
        if name in (b"tEXt", b"zTXt", b"iTXt"):
            text += length
            if text > MOST_TEXT:
                raise UnusableError(f"a PNG with more than {MOST_TEXT // 1_000_000} MB of text")
        place += 12 + length
    raise UnusableError(f"a PNG of more than {MOST_CHUNKS} parts")


def _eight_bits(image: Image.Image) -> Image.Image:
    mode = image.mode
    if mode in ("L", "RGB"):
        return image
    if mode in ("1", "CMYK", "YCbCr", "LAB", "HSV", "RGBX"):
        return image.convert("L" if mode == "1" else "RGB")
    if mode == "I" or mode.startswith("I;16"):
        deep = np.asarray(image).astype(np.int64)
        if deep.min() < 0 or deep.max() > 65535:
            raise UnusableError("32-bit pixels")
        return Image.fromarray(((deep * 255 + 32767) // 65535).astype(np.uint8))
    if mode == "F":
        raise UnusableError("floating-point pixels")
    if mode == "P" and "transparency" not in image.info:
        return image.convert("RGB")
    image = image.convert("RGBA")
    background = Image.new("RGBA", image.size, "white")
    background.alpha_composite(image)
    return background.convert("RGB")


def printable(name: str) -> str:
    """A name or message on one line, whatever bytes are in it."""
    clean = name.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in clean)
