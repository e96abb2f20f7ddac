"""What is added from outside by one file keeps to the same contracts as what is inside, and runs only where the user typed it."""

from pathlib import Path

import pytest

from mulligan import find
from mulligan.errors import UnsafeError
from mulligan.recipe import Player, Signature
from mulligan.testing import check_augmentation, check_loss, check_network, check_penalty

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples are named as their docstrings name them, from the folder that holds `examples/`; nothing is trusted at first."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(find, "_trusted", {})


@pytest.mark.usefixtures("root")
def test_outside_loss_keeps_to_the_contract() -> None:
    find.trust("examples/my_loss.py:my_loss")
    check_loss("examples/my_loss.py:my_loss")


@pytest.mark.usefixtures("root")
def test_outside_penalty_keeps_to_the_contract() -> None:
    find.trust("examples/my_penalty.py:my_penalty")
    check_penalty("examples/my_penalty.py:my_penalty")


@pytest.mark.usefixtures("root")
def test_outside_augmentation_keeps_to_the_contract() -> None:
    find.trust("examples/my_augmentation.py:my_augmentation")
    check_augmentation("examples/my_augmentation.py:my_augmentation")


@pytest.mark.usefixtures("root")
def test_outside_network_keeps_to_the_contract() -> None:
    find.trust("examples/my_network.py:my_network")
    check_network("examples/my_network.py:my_network")


@pytest.mark.usefixtures("root")
def test_outside_network_in_a_recipe() -> None:
    """Its settings are read by the class that its name leads to, and build what they say."""
    name = "examples/my_network.py:my_network"
    find.trust(name)
    player = Player.model_validate({"network": {"name": name, "role": "Discriminator", "width": 3, "blocks": 1}})
    module = player.network.build(Signature(sample=(2,), latent=5, scaling="none"))
    assert sum(parameter.numel() for parameter in module.parameters()) == (2 * 3 + 3) + 2 * (3 * 3 + 3) + (3 + 1)


@pytest.mark.parametrize("name", ["my_loss", "my_penalty", "my_augmentation", "my_network"])
@pytest.mark.usefixtures("root")
def test_f33_outside_code_does_not_run_untrusted(name: str) -> None:
    with pytest.raises(UnsafeError, match=f"{name}.py"):
        find.load("losses", f"examples/{name}.py:{name}")


@pytest.mark.parametrize("name", ["my_loss", "my_penalty", "my_augmentation", "my_network"])
def test_docstring_says_the_command(name: str) -> None:
    text = (ROOT / "examples" / f"{name}.py").read_text()
    assert f"examples/{name}.py:{name}" in text.split('"""')[1]
