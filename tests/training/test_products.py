"""Who multiplies matrices."""

import time
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch._inductor.utils import run_and_get_code

from mulligan.resolve import resolve
from mulligan.runs.folder import Run
from mulligan.training import compilations, products
from mulligan.training.compiling import compiled, stepper
from mulligan.verbs import new_session

CALL = "linear_pointwise"  # of oneDNN, in generated code

pytestmark = pytest.mark.filterwarnings("default")  # the compiler's own warnings are not ours


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing compiled yet: what was kept has no code to look at."""
    monkeypatch.setenv(compilations.PLACE, str(tmp_path / "compiled"))
    torch.compiler.reset()


def slopes(left: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
    """A product with a bias, its gradients, and a gradient of its gradient."""

    def steepness(left: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        rows = torch.func.grad(lambda x: torch.tanh(torch.nn.functional.linear(x, weight, bias)).sum())(left)
        return (rows**2).sum()

    return torch.nn.functional.linear(left, weight, bias), *torch.func.grad(steepness, argnums=(0, 1, 2))(left, weight, bias)


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("onednn", [False, True])
def test_products_forward_and_backward_are_those_of_torch(onednn: bool) -> None:
    given = drawn(24, 40), drawn(56, 40), drawn(56)
    found, codes = run_and_get_code(compiled(slopes, "cpu", onednn=onednn), *given)
    assert (CALL in "".join(codes)) == onednn
    for ours, theirs in zip(found, slopes(*given), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_what_is_no_matrix_of_float32_stays_with_torch() -> None:
    row, small = drawn(1, 40), drawn(40, 3)
    for given in ((row, drawn(40, 56)), (drawn(24, 40), small), (drawn(24, 40).bfloat16(), drawn(40, 56).bfloat16())):
        found, codes = run_and_get_code(compiled(torch.mm, "cpu", onednn=True), *given)
        assert CALL not in "".join(codes)
        torch.testing.assert_close(found, torch.mm(*given), rtol=1e-2, atol=1e-2)


def test_a_step_is_the_same_by_either(tmp_path: Path) -> None:
    wide = [f"{player}.network.widths=[24,24]" for player in ("generator", "discriminator")]
    weights = []
    for number, machine in enumerate((["machine.compile=off"], ["machine.compile=on", "machine.products=onednn"])):
        settings = ("batch=16", "horizon=160", "machine.device=cpu", "machine.threads=1", "machine.precision=float32", *wide, *machine)
        recipe, dataset = resolve("digits", "modern", ["network=dense", *settings])
        session = new_session(Run(tmp_path / str(number)).prepare(), recipe, dataset)
        step = stepper(session.game, recipe)
        for session.step in range(4):
            _, finite = step(session.state, *session.inputs())
            assert bool(finite)
        weights.append(session.state["discriminator"].parameters)
    torch.testing.assert_close(*weights, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("share", "faster"), [(0.5, True), (0.79, True), (0.81, False), (2.0, False)])
def test_onednn_where_it_is_clearly_faster(share: float, faster: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "compare", lambda one, other: share)
    assert products.onednn_is_faster() == faster


def test_one_call_that_takes_long_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now, calls = 0.0, 0
    monkeypatch.setattr(time, "perf_counter", lambda: now)

    def quick() -> None:
        nonlocal now, calls
        calls += 1
        now += 30.0 if calls in (1, 4) else 0.1

    def slow() -> None:
        nonlocal now
        now += 0.2

    assert products.compare(quick, slow) == pytest.approx(0.5)
