"""The idx format in which MNIST and Fashion-MNIST are published (LeCun's page of MNIST describes it): uint8 arrays, often gzipped."""

import gzip
import struct
import zlib
from hashlib import sha256
from io import BytesIO

import numpy as np

_BYTE = 0x08  # the type code of uint8


def parse(content: bytes, shape: tuple[int, ...], digest: str) -> np.ndarray:
    """The array in the bytes of a file, gzipped or not, checked against the SHA-256 of its unpacked content.

    The content is what is pinned, so that the originals and a distribution's repacked files count as the same.
    Returns uint8 of `shape`. Raises ValueError that says what is wrong; never unpacks more than the shape needs.
    """
    header = struct.pack(f">HBB{len(shape)}I", 0, _BYTE, len(shape), *shape)
    expected = len(header) + int(np.prod(shape))
    if content[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=BytesIO(content)) as packed:
                content = packed.read(expected + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"it cannot be unpacked ({error})") from None
    if len(content) != expected:
        raise ValueError(f"it holds {'more than ' if len(content) > expected else ''}{min(len(content), expected)} bytes, not {expected}")
    found = sha256(content).hexdigest()
    if found != digest:
        raise ValueError(f"its content is another (SHA-256 {found[:12]}..., expected {digest[:12]}...)")
    return np.frombuffer(bytearray(content), np.uint8, offset=len(header)).reshape(shape)
