"""Images in folders that anything may have been put into: what is there, and one image out of one file.

Nothing is decoded before its header says how large it will be. Whatever cannot be used is told with its reason.
"""

import errno
import os
import stat
import struct
from array import array
from dataclasses import dataclass
from hashlib import sha256
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


@dataclass(frozen=True)
class Found:
    """What lies below a folder.

    names: files that look like images, relative to it, sorted. stamps: of each its size, and when it and its entry were changed last,
    in nanoseconds: int64 (N, 3). skipped: the other files.
    """

    names: list[str]
    stamps: np.ndarray
    skipped: list[Skipped]

    def state(self) -> str:
        """A hash that changes when an image comes, goes or is written again, without a look at its content."""
        digest = sha256("\0".join(self.names).encode("utf-8", "surrogateescape"))
        digest.update(self.stamps.tobytes())
        return digest.hexdigest()


def find_images(root: Path) -> Found:
    """Files below a folder that look like images, and those that do not.

    Links are followed, each folder once. Raises DataError if the folder itself cannot be read.
    """
    walk = _Walk(str(root))
    walk.into("", os.path.join(root, ""))
    order = sorted(range(len(walk.names)), key=walk.names.__getitem__)
    stamps = np.array(walk.stamps, np.int64).reshape(-1, 3)[order]
    return Found([walk.names[place] for place in order], stamps, walk.skipped)


class _Walk:
    """A way through all folders below one. Of 100,000 files little more than the system is asked for, so that it takes half a second."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.names: list[str] = []
        self.stamps = array("q")  # three for each name
        self.skipped: list[Skipped] = []
        self.seen: set[tuple[int, int]] = set()  # folders

    def into(self, inside: str, folder: str) -> None:
        """Take what is in a folder. inside: its name before those of what is in it, "" or with a slash at its end."""
        try:
            here = os.stat(folder)  # an entry of the folder above does not know its place on the disk everywhere
            if (here.st_dev, here.st_ino) in self.seen:
                self._skip(inside[:-1], "a link to a folder that is read already", False)
                return
            self.seen.add((here.st_dev, here.st_ino))
            with os.scandir(folder) as found:
                entries = sorted(found, key=_name)
        except OSError as error:
            if not inside:
                raise DataError(f"{self.root} cannot be read ({error.strerror})", "Check its name and your permissions") from None
            self._skip(inside[:-1], f"cannot be read ({error.strerror})", False)
            return
        for entry in entries:
            name = inside + entry.name
            ending = os.path.splitext(entry.name)[1].lower()
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                self._skip(name, "hidden", False)
                continue
            try:
                known = entry.stat()
            except OSError as error:
                self._skip(name, _why_no_file(error), ending in ENDINGS)
                continue
            if stat.S_ISDIR(known.st_mode):
                if ending in ENDINGS:
                    self._skip(name, "a folder, not an image", True)
                else:
                    self.into(f"{name}/", entry.path)
                continue
            reason, broken = _why_not(ending, known)
            if reason:
                self._skip(name, reason, broken)
            else:
                self.names.append(name)
                self.stamps.extend((known.st_size, known.st_mtime_ns, known.st_ctime_ns))

    def _skip(self, name: str, reason: str, broken: bool) -> None:
        self.skipped.append(Skipped(printable(name), reason, broken))


def _name(entry: "os.DirEntry[str]") -> str:
    return entry.name


def _why_no_file(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "a link that leads back to itself"
    return "a link to nothing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"


def _why_not(ending: str, found: os.stat_result) -> tuple[str, bool]:
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
