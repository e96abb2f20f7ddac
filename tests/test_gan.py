"""class GAN: scikit-learn's manners, and the same results as the command line."""

from pathlib import Path

import numpy as np
import pytest

from mulligan import GAN, Model, UsageError
from mulligan.cli import main
from mulligan.errors import DataError

TINY = {
    "generator.network.widths": [8],
    "discriminator.network.widths": [8],
    "batch": 8,
    "machine.threads": 1,
    "machine.compile": "off",
    "keeping.reports": 1,
    "data.size": 8,
}
IMAGES = np.random.default_rng(0).integers(0, 256, (120, 8, 8), np.uint8)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> GAN:
    """Fitted to numbers in memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MULLIGAN_RUNS", str(tmp_path_factory.mktemp("runs")))
        gan = GAN("shallow", settings=TINY, seed=1)
        assert gan.fit(IMAGES, steps=3) is gan
    return gan


def test_learned(fitted: GAN) -> None:
    assert (fitted.history_[-1]["step"], fitted.history_[-1]["images"], fitted.recipe_.seed) == (3, 24, 1)
    assert fitted.parameters_ == {"generator": 100 * 8 + 8 + 8 * 64 + 64, "discriminator": 529}
    assert fitted.figures_["distance"].value > 0
    assert fitted.run_.is_dir()
    assert fitted.model_.parameters == fitted.parameters_["generator"]


def test_samples(fitted: GAN, tmp_path: Path) -> None:
    samples = fitted.sample(4, seed=2)
    assert samples.images.shape == (4, 8, 8)
    assert np.array_equal(fitted.sample(2, seed=2).images, samples.images[:2])
    assert samples.grid().save(tmp_path / "grid.png").is_file()
    assert len(samples.save(tmp_path / "folder")) == len(samples.to_pil()) == 4
    assert samples._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="no classes"):
        fitted.sample(1, label=0)


def test_walk_and_score(fitted: GAN, tmp_path: Path) -> None:
    assert fitted.interpolate([1, 5, 9], steps=4, to=tmp_path / "walk.gif").shape == (2, 4, 8, 8)
    assert (tmp_path / "walk.gif").is_file()
    found = fitted.score(IMAGES[:20])
    assert found["given"]["n"] == 20
    assert found["given"]["score"] == pytest.approx(fitted.score(IMAGES[:20] / 255)["given"]["score"])
    with pytest.raises(UsageError, match="no encoder"):
        fitted.reconstruct(IMAGES)


def test_saved_and_loaded(fitted: GAN, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    loaded = GAN.load(tmp_path / "model")
    assert np.array_equal(loaded.sample(3).images, fitted.sample(3).images)
    with pytest.raises(UsageError, match="Load the run folder instead"):
        loaded.score(IMAGES)
    from_run = GAN.load(fitted.run_)
    assert from_run.recipe == "shallow"
    assert from_run.parameters_ == fitted.parameters_
    assert from_run.figures_ == fitted.figures_
    assert from_run.score(IMAGES)["given"]["n"] == 120


def test_the_same_as_the_command_line(fitted: GAN, tmp_path: Path) -> None:
    """Numbers in memory become a file beside the runs: with it, the command line resumes and repeats what `fit` did."""
    file = Path(fitted.recipe_.data.source)
    assert file.parent.parent == fitted.run_.parent
    settings = [f"{key}={str(value).replace(' ', '')}" for key, value in TINY.items()]
    assert main(["train", str(file), "--recipe", "shallow", *settings, "--seed", "1", "--steps", "3", "--run", str(tmp_path / "run")]) == 0
    assert Model.load(tmp_path / "run").description.weights == fitted.model_.description.weights


def test_the_same_numbers_go_on(fitted: GAN, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MULLIGAN_RUNS", str(fitted.run_.parent))
    again = GAN("shallow", settings=TINY, seed=1, verbose=True).fit(IMAGES.copy(), images="32")
    assert again.run_ == fitted.run_
    assert again.history_[-1]["step"] == 4
    assert "from step 3" in capsys.readouterr().err


def test_before_fit() -> None:
    gan = GAN()
    for use in (
        gan.sample,
        lambda: gan.save("x"),
        lambda: gan.score(IMAGES),
        lambda: gan.interpolate([1, 2]),
        lambda: gan.reconstruct(IMAGES),
    ):
        with pytest.raises(UsageError, match="not fitted yet"):
            use()


def test_parameters() -> None:
    gan = GAN("modern", settings=TINY, verbose=True)
    assert gan.get_params() == {"recipe": "modern", "settings": TINY, "seed": None, "verbose": True}
    assert gan.set_params(seed=3, recipe="conv") is gan
    assert (gan.seed, gan.recipe) == (3, "conv")
    assert repr(GAN()) == "GAN(recipe='fast')"
    assert GAN(**gan.get_params()).get_params() == gan.get_params()
    with pytest.raises(UsageError, match="no such parameter"):
        gan.set_params(size=3)


def test_init_stores_and_fit_validates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULLIGAN_RUNS", str(tmp_path / "runs"))
    with pytest.raises(UsageError, match="Did you mean batch"):
        GAN(settings={"bach": 3}).fit("digits")
    with pytest.raises(UsageError, match="settings"):
        GAN(settings={"batch": object()}).fit("digits")
    with pytest.raises(UsageError, match="settings"):
        GAN(settings=["batch=3"]).fit("digits")
    with pytest.raises(UsageError, match="time"):
        GAN().fit("digits", time="long")
    with pytest.raises(UsageError, match="numbers in memory"):
        GAN().fit("digits", labels=[1])
    with pytest.raises(UsageError, match="array of numbers"):
        GAN().fit({"images": 3})
    with pytest.raises(DataError, match="pixels"):
        GAN().fit(IMAGES.astype(float))
    assert not list((tmp_path / "runs").rglob("*.npz"))


def test_a_score_card_of_a_run_and_of_a_model_alone(fitted: GAN, tmp_path: Path) -> None:
    assert fitted.evaluate(n=5).protocol.n == 5
    alone = GAN.load(fitted.save(tmp_path / "model"))
    with pytest.raises(UsageError, match="Give real data"):
        alone.evaluate()
    assert alone.evaluate(IMAGES, n=10)["distance"].value > 0
