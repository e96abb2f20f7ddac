"""10,000 handwritten digits of MNIST, 28 x 28 grey, that the package carries: 8,000 to train on, 2,000 to test on.

MNIST is by Yann LeCun and Corinna Cortes, derived from NIST data (LeCun et al. 1998).
"""

from importlib.resources import files

import numpy as np

from mulligan.data.dataset import Dataset, Split, images
from mulligan.data.pictures import channels_for, fit_all, side_for
from mulligan.recipe import Data

LICENCE = "CC BY-SA 3.0"
JUDGE = "digits"
_TRAIN = 8000


def accepts(source: str) -> bool:
    """Whether the source is meant: `digits`."""
    return source == "digits"


def load(request: Data) -> Dataset:
    """The digits with their labels.

    >>> dataset = load(Data(source="digits"))
    >>> dataset.data.shape, dataset.data.count, len(dataset.data.classes)
    ((1, 28, 28), 8000, 10)
    """
    with files("mulligan.data").joinpath("mnist-10k.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        pixels, labels = arrays["images"], arrays["labels"].astype(np.int64)
    target = fit_all(pixels, side_for(request, [(28, 28)]), channels_for(request, grey=True))
    return images(
        request,
        Split(target[:_TRAIN], labels[:_TRAIN]),
        Split(target[_TRAIN:], labels[_TRAIN:]),
        classes=tuple("0123456789"),
        licence=LICENCE,
    )
