"""`fast`, the default: as good as any of these recipes after two minutes, with the lightest networks."""

from mulligan.recipe import Data, Recipe
from mulligan.recipes.modern import modern

DATA = "digits"


def fast(data: Data) -> Recipe:
    """`modern` on small dense nets for images up to 32 pixels, on convolutional nets above, and on its nets for points.

    After 110 s on one core it and `modern` are alike, and ahead of all other recipes; its step takes less than half as long (dev/LOG.md).

    Measured on digits: 15,625 steps in 5.7 minutes (1 thread of Intel Xeon @ 2.50GHz, compile on, 2026-11-22, one seed): distance
    0.0183 (real data 0.0141), fd_digits 3.44 (real data 0.0376), coverage 0.302 (real data 0.975).
    Measured on digits: 4,099 steps in 1.8 minutes of the demo (2 threads of Intel Xeon @ 2.50GHz, compile on, 2026-11-22, one seed):
    distance 0.0232 (real data 0.0141), fd_digits 6.5 (real data 0.0376), coverage 0.118 (real data 0.975).
    Measured on fashion: 15,625 steps in 5.4 minutes (1 thread of Intel Xeon @ 2.50GHz, compile on, 2026-11-22, one seed): distance
    0.0167 (real data 0.00721), fd_fashion 3.36 (real data 0.014), coverage 0.24 (real data 0.967).
    """
    side = data.shape[-1] if data.kind == "image" else 0
    return modern(data, network="conv" if side > 32 else "dense", size="small").model_copy(update={"name": "fast"})
