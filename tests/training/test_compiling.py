"""Compiled functions."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mulligan.training import compilations
from mulligan.training.batches import draw_sizes
from mulligan.training.compiling import compiled, compiler, stepper
from mulligan.training.session import Session

pytestmark = pytest.mark.filterwarnings("default")  # the compiler's own warnings are not ours


def adder(number: int) -> Callable[[Tensor], Tensor]:
    return lambda x: x + number


def test_many_of_the_same_code_are_compiled_in_one_process() -> None:
    """The compiler gives up on code that it has compiled too often, and all runs and studies have the code of their step in common."""
    assert compiler() is not None
    with torch._dynamo.config.patch(recompile_limit=1):
        assert [compiled(adder(number), "cpu")(torch.zeros(2)).tolist() for number in (1, 2, 3)] == [[1, 1], [2, 2], [3, 3]]


def in_a_new_process() -> None:
    """What a new process begins with: nothing compiled in memory."""
    from torch._inductor.utils import clear_caches

    torch.compiler.reset()
    clear_caches()


def test_what_was_compiled_is_found_again_and_done_anew_where_it_is_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from torch._dynamo.utils import counters

    homes = [tmp_path / name for name in ("first", "second", "third", "fourth")]
    monkeypatch.setenv(compilations.PLACE, "")  # so that it is put back afterwards

    def once(home: Path) -> bool:
        """Compile; returns whether it was found."""
        monkeypatch.delenv(compilations.PLACE)
        monkeypatch.setenv("MULLIGAN_HOME", str(home))
        in_a_new_process()
        counters.clear()
        assert compiled(adder(5), "cpu", "a step")(torch.zeros(7)).tolist() == [5] * 7
        assert os.environ[compilations.PLACE] == str(home / "compiled")
        return counters["inductor"]["fxgraph_cache_miss"] == 0

    def cut_short(home: Path, ending: str) -> None:
        """As a power cut leaves files."""
        found = list(home.rglob(f"*{ending}"))
        assert found
        for path in found:
            path.write_bytes(path.read_bytes()[:1000])
            os.utime(path, (0, 0))

    assert not once(homes[0])
    assert compilations.known("a step") is not None
    for home in homes[1:]:
        shutil.copytree(homes[0], home)
    assert once(homes[1])
    cut_short(homes[2], ".so")
    assert once(homes[2])  # what was traced; the library was made again
    for library in homes[3].rglob("*.so"):
        library.unlink()
    cut_short(homes[3], ".o")
    once(homes[3])
    assert not list(homes[3].rglob("*.o"))  # all of it is gone
    assert not once(homes[3])
    assert once(homes[3])


def test_a_function_that_cannot_be_compiled_is_not_tried_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def unclear(x: Tensor) -> Tensor:
        tries.append(1)
        torch._dynamo.graph_break()
        return x

    with pytest.raises(torch._dynamo.exc.Unsupported):
        compiled(unclear, "cpu", "unclear")(torch.zeros(2))
    assert compilations.known("unclear") is None


def test_batches_of_several_sizes_take_turns(small: Callable[..., Session]) -> None:
    """Once both sizes are known the compiler looks at sizes alone; weights are those of the step as it stands."""
    settings = ("size=small", "order.how=epochs", "order.short_batch=true", "batch=6", "data.limit=16", "machine.precision=float32")
    weights = []
    for compiles in ("on", "off"):
        session = small("modern", "digits", *settings, f"machine.compile={compiles}")
        step = stepper(session.game, session.recipe)
        sizes = []
        for _ in range(7):
            batches, draws, knobs = session.inputs()
            sizes.append(draw_sizes(batches)[0])
            _, finite = step(session.state, batches, draws, knobs)
            assert bool(finite)
            session.step += 1
        assert set(sizes) == {4, 6}
        weights.append(session.state["generator"].parameters)
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-3, atol=1e-4)
