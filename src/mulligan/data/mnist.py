"""MNIST: 60,000 + 10,000 handwritten digits, 28 x 28 grey, as the original idx files.

By Yann LeCun and Corinna Cortes, derived from NIST data (LeCun et al. 1998, "Gradient-based learning applied to document recognition").
"""

from mulligan.data.dataset import Dataset
from mulligan.data.originals import File, Original, load_original
from mulligan.recipe import Data

JUDGE = "digits"  # trained on 8,000 training digits of MNIST, it judges all of them

ORIGINAL = Original(
    name="mnist",
    files=(
        File("train-images-idx3-ubyte", (60000, 28, 28), "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        File("train-labels-idx1-ubyte", (60000,), "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        File("t10k-images-idx3-ubyte", (10000, 28, 28), "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        File("t10k-labels-idx1-ubyte", (10000,), "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ),
    urls=("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    classes=tuple("0123456789"),
    licence="CC BY-SA 3.0",
    advice=", or train on digits, the part of MNIST that comes with Mulligan",
)


def accepts(source: str) -> bool:
    """Whether the source is meant: `mnist`."""
    return source == "mnist"


def load(request: Data) -> Dataset:
    """The digits with their labels, found on this machine or downloaded. Raises DataError that names every place tried."""
    return load_original(ORIGINAL, request)
