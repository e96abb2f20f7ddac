"""Fashion-MNIST: 60,000 + 10,000 pictures of clothes, 28 x 28 grey, as the original idx files.

By Zalando Research (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747).
"""

from mulligan.data.dataset import Dataset
from mulligan.data.originals import File, Original, load_original
from mulligan.recipe import Data

JUDGE = "fashion"

ORIGINAL = Original(
    name="fashion",
    files=(
        File("train-images-idx3-ubyte", (60000, 28, 28), "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
        File("train-labels-idx1-ubyte", (60000,), "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
        File("t10k-images-idx3-ubyte", (10000, 28, 28), "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
        File("t10k-labels-idx1-ubyte", (10000,), "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
    ),
    urls=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
    classes=("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    licence="MIT",
    folders=("/usr/share/datasets/fashion-mnist",),
    advice=", or on Debian and Ubuntu install the package dataset-fashion-mnist",
)


def accepts(source: str) -> bool:
    """Whether the source is meant: `fashion`."""
    return source == "fashion"


def load(request: Data) -> Dataset:
    """The pictures with their labels, found on this machine or downloaded. Raises DataError that names every place tried."""
    return load_original(ORIGINAL, request)
