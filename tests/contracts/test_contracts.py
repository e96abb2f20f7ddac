"""Contracts that run over everything that is found: a new file is tested by being there."""

import pytest

from mulligan import find
from mulligan.resolve import resolve
from mulligan.testing import check_augmentation, check_loss, check_network, check_penalty, check_recipe, check_task

IMAGES = ("mnist", "fashion")  # published sets, which a machine may not have


@pytest.mark.parametrize("name", find.names("losses"))
def test_loss(name: str) -> None:
    """D's loss falls when real looks more real; G's loss falls when fake does."""
    check_loss(name)


@pytest.mark.parametrize("name", find.names("penalties"))
def test_penalty(name: str) -> None:
    """One number per sample, with the right gradient for the critic's weights."""
    check_penalty(name)


@pytest.mark.parametrize("name", find.names("augmentations"))
def test_augmentation(name: str) -> None:
    """Differentiable, nothing at strength 0, and each sample by its own numbers alone."""
    check_augmentation(name)


@pytest.mark.parametrize("name", find.names("networks"))
def test_network(name: str) -> None:
    """Pure functions of parameters and buffers, of the right shapes, for every kind of sample that they accept."""
    check_network(name)


@pytest.mark.parametrize("name", find.names("recipes"))
def test_recipe(name: str) -> None:
    """Two steps at its real size, the second one with the same bits after a way through a checkpoint; the digits stand in for MNIST."""
    source = find.load("recipes", name).DATA
    check_recipe(name, "digits" if source in IMAGES else source, ("batch=8",))


@pytest.mark.parametrize("name", find.names("tasks"))
def test_task(name: str) -> None:
    """Each turn moves its players and no others."""
    small = {"generate": resolve("ring", "points", ["batch=8"]), "reconstruct": resolve("digits", "autoencoder", ["batch=8"])}
    check_task(name, small[name][0])


@pytest.mark.parametrize(
    ("folder", "name"), [(folder, name) for folder in ("losses", "penalties", "augmentations") for name in find.names(folder)]
)
def test_file_names_its_paper(folder: str, name: str) -> None:
    """Each says where it comes from, and where in there."""
    text = find.load(folder, name).__doc__
    assert "arXiv" in text
    assert any(place in text for place in ("equation", "section", "algorithm"))
