"""Contracts that run over everything that is found: a new file is tested by being there."""

import pytest

from mulligan import find
from mulligan.testing import check_loss, check_network, check_penalty


@pytest.mark.parametrize("name", find.names("losses"))
def test_loss(name: str) -> None:
    """D's loss falls when real looks more real; G's loss falls when fake does."""
    check_loss(name)


@pytest.mark.parametrize("name", find.names("penalties"))
def test_penalty(name: str) -> None:
    """One number per sample, with the right gradient for the critic's weights."""
    check_penalty(name)


@pytest.mark.parametrize("name", find.names("networks"))
def test_network(name: str) -> None:
    """Pure functions of parameters and buffers, of the right shapes, for every kind of sample that they accept."""
    check_network(name)


@pytest.mark.parametrize(("folder", "name"), [(folder, name) for folder in ("losses", "penalties") for name in find.names(folder)])
def test_file_names_its_paper(folder: str, name: str) -> None:
    """Each says where it comes from, and where in there."""
    text = find.load(folder, name).__doc__
    assert "arXiv" in text
    assert any(place in text for place in ("equation", "section", "algorithm"))
