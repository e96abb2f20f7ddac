"""Three digits in the red, green and blue of one picture: 1,000 modes, on which it is counted how many a generator finds.

The set of Metz et al. 2017 (arXiv 1611.02163, section 3.3.1) and Lin et al. 2018 (arXiv 1712.04086, section 4.2), made here of the
digits that the package carries: 50,000 triples of training digits and 26,000 of held-out ones, drawn once with a fixed seed. There are
no labels, as the point is to find the modes without.
"""

import numpy as np

from mulligan.data import digits
from mulligan.data.dataset import Dataset, Split, images
from mulligan.errors import DataError
from mulligan.recipe import Data

CELLS = "digits"  # the judge that reads each channel: modes are counted in cells of 10 x 10 x 10
TRAIN, TEST = 50_000, 26_000


def accepts(source: str) -> bool:
    """Whether the source is meant: `stacked`."""
    return source == "stacked"


def load(request: Data) -> Dataset:
    """The pictures, uint8 (N, 3, 28, 28). Raises DataError where grey is asked for.

    >>> load(Data(source="stacked")).data.shape
    (3, 28, 28)
    """
    if request.colour == "grey":
        raise DataError("stacked digits are in red, green and blue, and cannot be grey", "Leave data.colour out")
    single = digits.load(Data(source="digits", size=request.size))
    assert isinstance(single.train, Split)
    assert isinstance(single.test, Split)
    return images(request, _stack(single.train, TRAIN, 0), _stack(single.test, TEST, 1), licence=single.licence)


def _stack(single: Split, count: int, seed: int) -> Split:
    places = np.random.Generator(np.random.PCG64(seed)).integers(len(single.target), size=(count, 3))
    return Split(single.target[:, 0][places])
