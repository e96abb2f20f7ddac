"""The step of a game, compiled or not."""

import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from mulligan.errors import is_out_of_memory
from mulligan.recipe import Recipe
from mulligan.signals import raise_pending
from mulligan.training import compilations
from mulligan.training.batches import draw_sizes
from mulligan.training.game import Batch, Game, Tensors
from mulligan.training.state import State
from mulligan.training.step import play

Step = Callable[[State, Sequence[Batch | None], Sequence[Tensors], Tensors], tuple[Tensors, Tensor]]
Options = dict[str, Any]  # of torch, by name

# On a CPU all kernels go into one C++ file, and the calls between them into another: two thirds of the compilation, much of which is
# reading the headers of torch for each of forty files, and no Python between the kernels of a step. For two files it does not pay to
# compile these headers beforehand, which torch would also ask for again at the beginning of every later process (dev/LOG.md).
ONE_FILE: Options = {"cpp_wrapper": True, "cpp_wrapper_build_separate": True, "cpp_cache_precompile_headers": False}
# torch would compile and load three programs to see whether the compiler knows the vectors of this processor, a third of a first
# compilation. Any compiler that takes the headers of torch (GCC 9, Clang 9) knows those of an x86.
TRUSTED: Options = {"cpp.vec_isa_ok": True}
# What torch has traced is kept between processes only where all that is called in it is known to mean the same again. Of these two it
# does not know that; their arguments are constants of the step, and so a part of the name that it is kept by.
MARKED = ("torch.amp.autocast_mode._enter_autocast", "torch.amp.autocast_mode._exit_autocast")

Taken = ParamSpec("Taken")
Given = TypeVar("Given")


def compiler() -> str | None:
    """Path of the C++ compiler that torch would use on a CPU, or None."""
    named = os.environ.get("CXX")
    return shutil.which(named) if named else next((path for name in ("g++", "clang++") if (path := shutil.which(name))), None)


def compiled(function: Callable[Taken, Given], device: str, key: str | None = None, onednn: bool = False) -> Callable[Taken, Given]:
    """A function of tensors whose shapes do not change, compiled as a whole when it is first called. device: cpu or cuda.

    onednn: whether oneDNN multiplies float32 matrices (`training/products.py`).

    key: by which what the compilation took is noted (`compilations.key_of`); absent, it is not. Where torch fails to compile, that may be
    for files of an earlier compilation which are broken: it tries again without them, and where that works, they are removed.
    """
    begun = time.process_time()
    compilations.keep()
    from torch._dynamo.exc import BackendCompilerFailed  # takes a second, and whoever compiles nothing does without it

    step = _made(function, device, onednn)
    before = time.process_time() - begun  # the compiler itself is imported there
    ready = False

    def call(*taken: Taken.args, **named: Taken.kwargs) -> Given:
        nonlocal step, ready
        if ready:
            return step(*taken, **named)
        begun = time.process_time()
        try:
            result = step(*taken, **named)
        except BackendCompilerFailed as error:
            raise_pending()  # a compiler that died with the signal says nothing about the files
            if is_out_of_memory(error) or (device == "cpu" and compiler() is None):
                raise
            step = _made(function, device, onednn)
            with compilations.nothing_kept():
                result = step(*taken, **named)
            compilations.clear()
        if key is not None:
            compilations.note(key, before + time.process_time() - begun)
        ready = True
        return result

    return call


def _made(function: Callable[Taken, Given], device: str, onednn: bool) -> Callable[Taken, Given]:
    def own(*taken: Taken.args, **named: Taken.kwargs) -> Given:
        return function(*taken, **named)

    own.__code__ = own.__code__.replace()  # the compiler limits recompilations for each code object, in all runs of a process together
    return torch.compile(own, fullgraph=True, dynamic=False, options=_options(device, onednn))


def _options(device: str, onednn: bool) -> Options:
    """As this version of torch knows them."""
    wanted: Options = {"unsafe_marked_cacheable_functions": dict.fromkeys(MARKED, torch.__version__)}
    if device == "cpu":
        wanted |= ONE_FILE
        if sys.platform == "linux" and platform.machine() == "x86_64":
            wanted |= TRUSTED
    if onednn:
        from mulligan.training.onednn import ByOneDnn  # imports the compiler

        wanted["post_grad_custom_post_pass"] = ByOneDnn()
    known = set(torch._inductor.list_options())
    return {name: value for name, value in wanted.items() if name in known}


def stepper(game: Game, recipe: Recipe) -> Step:
    """The step of this game, compiled where the recipe's machine says `on`."""
    precision = torch.bfloat16 if recipe.machine.precision == "bfloat16" else torch.float32

    def step(state: State, batches: Sequence[Batch | None], draws: Sequence[Tensors], knobs: Tensors) -> tuple[Tensors, Tensor]:
        return play(game, state, batches, draws, knobs, precision, split=recipe.machine.split)

    if recipe.machine.compile != "on":
        return step
    guarded = compiled(step, recipe.machine.device, compilations.key_of(recipe), recipe.machine.products == "onednn")
    seen: set[tuple[int, ...]] = set()

    def known(state: State, batches: Sequence[Batch | None], draws: Sequence[Tensors], knobs: Tensors) -> tuple[Tensors, Tensor]:
        """The compiled step. Sizes are all that changes from step to step: once they are known, the compiler need not look at the rest."""
        sizes = draw_sizes(batches)
        if sizes not in seen:
            told = guarded(state, batches, draws, knobs)
            seen.add(sizes)
            return told
        with torch.compiler.set_stance("default", skip_guard_eval_unsafe=True):
            return guarded(state, batches, draws, knobs)

    return known
