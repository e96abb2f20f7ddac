"""The published networks have the published numbers of parameters."""

import pytest
import torch

from mulligan.layers.table import table, trainable
from mulligan.networks import mlp
from mulligan.recipe import Network, Signature

DIGIT = Signature(sample=(1, 28, 28), latent=100, scaling="symmetric")
TEN = DIGIT.model_copy(update={"classes": 10})
POINT = Signature(sample=(2,), latent=5, scaling="none")

PUBLISHED = [
    ("dense-dropout", mlp.Generator(widths=(256, 512, 1024)), DIGIT, 1_486_352),
    ("dense-dropout", mlp.Discriminator(widths=(1024, 512, 256), dropout=0.3), DIGIT, 1_460_225),
    ("shallow", mlp.Generator(widths=(256,)), DIGIT, 227_344),
    ("shallow", mlp.Discriminator(widths=(100, 50)), DIGIT, 83_601),
    ("shallow-conditional", mlp.Generator(widths=(256,)), TEN, 229_904),
    ("shallow-conditional", mlp.Discriminator(widths=(100, 50)), TEN, 84_601),
    ("dense-batchnorm", mlp.Generator(widths=(256, 512, 1024), normalisation="batch"), DIGIT, 1_489_936),
    ("dense-batchnorm", mlp.Discriminator(widths=(512, 256)), DIGIT, 533_505),
    ("points", mlp.Generator(widths=(15,), activation="relu", initialisation="he"), POINT, 122),
    ("points", mlp.Discriminator(widths=(25,), activation="relu", initialisation="he"), POINT, 101),
    ("dense-smooth", mlp.Generator(widths=(32, 64, 128), dropout=0.3), DIGIT, 114_800),
    ("dense-smooth", mlp.Discriminator(widths=(128, 64, 32), dropout=0.3), DIGIT, 110_849),
]


@pytest.mark.parametrize(("system", "settings", "signature", "count"), PUBLISHED)
def test_trainable_parameters(system: str, settings: Network, signature: Signature, count: int) -> None:
    assert trainable(settings.build(signature)) == count


def test_dense_batchnorm_with_its_moving_statistics() -> None:
    """The published total counts them; its table prints 25,856 for the second layer, where 131,584 makes the total."""
    module = mlp.Generator(widths=(256, 512, 1024), normalisation="batch").build(DIGIT)
    rows = table(module, torch.zeros(1, 100))
    assert sum(row.parameters for row in rows) == 1_493_520
    assert sum(row.parameters - row.trainable for row in rows) == 3_584
    assert [row.parameters for row in rows if row.layer == "Dense"] == [25_856, 131_584, 525_312, 803_600]
