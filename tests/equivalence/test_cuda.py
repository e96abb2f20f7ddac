"""On a CUDA GPU: resumed is uninterrupted bit by bit, and the numbers are those of the CPU within rounding.

Run on a machine that has one; elsewhere they are skipped.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mulligan import find, verbs
from mulligan.data.dataset import Dataset
from mulligan.recipe import Machine, Recipe
from mulligan.resolve import resolve
from mulligan.runs.folder import Run
from mulligan.sampling.model import Model
from mulligan.testing.pieces import Left, left, train_in_pieces
from mulligan.training.budget import Budget

Small = Callable[..., tuple[Recipe, Dataset]]
RECIPES = find.names("recipes")
DROPOUT = ("dense-dropout", "dense-smooth")  # each device draws its own numbers inside operators

if not torch.cuda.is_available():
    pytest.skip("there is no CUDA GPU", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("default")  # the compiler's own warnings are not ours


def on(recipe: Recipe, **machine: str) -> Recipe:
    """The recipe with a machine of these settings; on the GPU where they do not say."""
    settings = {"device": "cuda", "threads": 1, "compile": "off", "precision": "float32", **machine}
    return recipe.model_copy(update={"machine": Machine.model_validate(settings)})


def demand_close(one: Left, other: Left) -> None:
    """Weights and averages are equal within rounding; a moment jumps where a unit of a kinked activation tips over."""
    for player, tensors in other.groups.items():
        for key, tensor in tensors.items():
            if key.startswith(("parameters/", "ema/")):
                difference = float((one.groups[player][key].cpu() - tensor.cpu()).abs().max())
                assert difference <= 1e-4 + 1e-3 * float(tensor.abs().max()), f"{player}.{key}: {difference}"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", RECIPES)
def test_f06_resumed_is_uninterrupted(name: str, precision: str, small: Small, tmp_path: Path) -> None:
    recipe, dataset = small(name)
    recipe = on(recipe, precision=precision)
    whole = train_in_pieces(tmp_path / "whole", recipe, dataset, None)
    train_in_pieces(tmp_path / "pieces", recipe, dataset, 0, 5, 11, None).demand_equal(whole)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", RECIPES)
def test_f06_compiled(name: str, precision: str, small: Small, tmp_path: Path) -> None:
    recipe, dataset = small(name)
    compiled = on(recipe, precision=precision, compile="on")
    whole = train_in_pieces(tmp_path / "whole", compiled, dataset, None)
    train_in_pieces(tmp_path / "pieces", compiled, dataset, 6, None).demand_equal(whole)
    if name not in DROPOUT and precision == "float32":
        demand_close(whole, train_in_pieces(tmp_path / "eager", on(recipe), dataset, None))


@pytest.mark.parametrize("name", [name for name in RECIPES if name not in DROPOUT])
def test_f23_the_same_as_on_a_cpu(name: str, small: Small, tmp_path: Path) -> None:
    recipe, dataset = small(name)
    here = train_in_pieces(tmp_path / "cuda", on(recipe), dataset, 5)
    demand_close(here, train_in_pieces(tmp_path / "cpu", on(recipe, device="cpu"), dataset, 5))


@pytest.mark.parametrize(("first", "second"), [("cpu", "cuda"), ("cuda", "cpu")])
def test_a_run_goes_on_on_another_device(first: str, second: str, small: Small, tmp_path: Path) -> None:
    recipe, dataset = small("modern")
    train_in_pieces(tmp_path / "moved", on(recipe, device=first), dataset, 3)
    moved = train_in_pieces(tmp_path / "moved", on(recipe, device=second), dataset, 5)
    demand_close(moved, train_in_pieces(tmp_path / "whole", on(recipe, device=first), dataset, 5))


def test_from_the_command_to_the_model(small: Small, tmp_path: Path) -> None:
    """`auto` takes the GPU; a model gives the same samples on either device, within one grey level."""
    recipe, dataset = small("dense-batchnorm", "machine.device=auto", "machine.precision=auto")
    half = verbs.train(recipe, dataset, run=tmp_path / "run", budget=Budget(steps=8))
    assert (half.steps, half.finished) == (8, False)
    assert verbs.resume(tmp_path / "run").finished
    whole = verbs.train(recipe, dataset, run=tmp_path / "whole")
    assert whole.finished
    left(Run(tmp_path / "run")).demand_equal(left(Run(tmp_path / "whole")))
    here, there = (Model.load(tmp_path / "run" / "model", device).sample(range(9), seed=3) for device in ("cuda", "cpu"))
    assert abs(here.astype(int) - there.astype(int)).max() <= 1


def test_photographs_are_larger_on_a_gpu(tmp_path: Path) -> None:
    from PIL import Image

    for place in range(3):
        Image.new("RGB", (80, 90), (place * 80, 10, 10)).save(tmp_path / f"{place}.png")
    assert resolve(str(tmp_path), "fast", [])[0].data.shape == (3, 64, 64)
    assert resolve(str(tmp_path), "fast", ["machine.device=cpu"])[0].data.shape == (3, 32, 32)
