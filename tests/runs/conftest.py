import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mulligan.marks import Mark, write_gif, write_png
from mulligan.recipe import Data, Recipe
from mulligan.recipes.modern import modern
from mulligan.runs import environment, facts, history
from mulligan.runs.folder import Run, create


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create(tmp_path / "runs", "test")


@pytest.fixture
def recipe() -> Recipe:
    return modern(Data(source="digits", kind="image", shape=(1, 28, 28), count=8000, fingerprint="ab" * 32))


@pytest.fixture
def groups() -> dict[str, dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return {
        "generator": {"weight": torch.randn(3, 4, generator=generator), "steps": torch.tensor(7), "mask": torch.tensor([True, False])},
        "discriminator": {"weight": torch.randn(5, generator=generator, dtype=torch.float64), "empty": torch.empty(0, 3)},
    }


@pytest.fixture
def limited() -> Callable[[int], AbstractContextManager[None]]:
    """Files can grow to so many bytes and no further: a real error of the system (EFBIG), as at the end of a disk."""

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can reach, which folders of pytest's are not."""
    folder = Path(tempfile.mkdtemp(prefix="mulligan-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def _as_plain_user() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def plain_user() -> Callable[[], AbstractContextManager[None]]:
    """Whoever runs the tests, permissions hold inside the block: root is nobody for a while."""
    return _as_plain_user


@pytest.fixture
def full_run(run: Run, recipe: Recipe) -> Run:
    """A run folder with everything that a report shows, of random pixels."""
    run.write_recipe(recipe)
    environment.record(run, ["mulligan", "train", "digits"], {"threads": 2, "compile": "off"})
    layers = (
        facts.LayerFacts(name="0", layer="Dense", activation="tanh", shape=(1, 28, 28), parameters=50_960, trainable=50_960),
        facts.LayerFacts(name="1", layer="BatchNorm", shape=(1, 28, 28), parameters=4, trainable=2),
    )
    facts.write(
        run,
        facts.Facts(
            data=facts.DataFacts(name="digits", kind="image", shape=(1, 28, 28), train=8000, test=2000, stored=(0, 255), seen=(-1, 1)),
            players=(facts.PlayerFacts(name="generator", network="mlp", layers=layers, parameters=50_964, trainable=50_962),),
            loss=facts.LossFacts(name="pairing", reading="pairs", equilibrium="P(D(real) > D(fake)) = 0.5"),
            figures=(facts.FigureFacts(name="distance", meaning="sliced Wasserstein", value=0.03125, floor=0.0209),),
            progress=facts.Progress(steps=30, images=1920, seconds=125.0, best_step=20),
        ),
    )
    random = np.random.default_rng(0)
    frames = [Image.fromarray(random.integers(0, 256, (56, 56), dtype=np.uint8)) for _ in range(4)]
    write_png(frames[0], run.real_grid, None)
    for place, frame in enumerate(frames):
        write_png(frame, run.sample_grid(10 * place), Mark())
        figures = {"generator.loss": 0.7, "discriminator.pairs": 0.6, "distance": 0.5 / (place + 1), "distance.floor": 0.02}
        history.append(run, {"step": 10 * place, "images": 640 * place, "seconds": 40.0 * place, **figures})
    write_gif(frames, run.progress_gif, Mark())
    run.write_status("finished")
    return run
