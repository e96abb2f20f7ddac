"""The model card says what people need, and escapes what users named."""

from pathlib import Path

import numpy as np

from mulligan.metrics.evaluating import evaluate
from mulligan.sampling.card import model_card
from mulligan.sampling.description import Trained
from mulligan.sampling.model import Model


def test_the_card_of_a_conditional_model(conditional: Model, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    trained = Trained(
        steps=12_000,
        images=768_000,
        seconds=95,
        seed=3,
        data="digits",
        licence="CC BY-SA 3.0",
        hardware="a processor, 2 of 2 cores, float32",
        command="train digits --time 10m",
        verdict="healthy",
        figures=evaluate(images, images),
    )
    description = conditional.description.model_copy(update={"trained": trained})
    folder = Model(description, conditional.weights()).save(tmp_path / "m")
    card = (folder / "README.md").read_text(encoding="utf-8")
    for words in (
        "# tiny, trained on digits",
        "![Samples 0 and on of seed 0](samples.png)",
        "| network | mlp, ",
        "| classes | 3: Coat, Bag, Ankle boot |",
        "licence: CC BY-SA 3.0",
        "12,000 steps, 768,000 samples seen, 95 s, seed 3",
        "| trained on | a processor, 2 of 2 cores, float32 |",
        "| command | train digits --time 10m |",
        "| diagnosis | healthy |",
        "--label 0",
        "| `distance` | ",
        "| `fd_random` | ",
        "Its training data are public",
    ):
        assert words in card, words
    assert card.startswith("---\nlibrary_name: mulligan\ntags:\n  - gan\n")
    assert "\n\n\n" not in card
    assert card.endswith("passing them on.\n")
    assert (folder / "samples.png").exists()
    assert Model.load(folder).description.trained == trained


def test_the_card_of_own_data_without_figures(autoencoder: Model) -> None:
    trained = Trained(steps=1, images=2, data="my_photos/")
    card = model_card(autoencoder.description.model_copy(update={"trained": trained}), 100, "samples.png")
    assert "trained on own data" in card
    assert "ask whether they may be shown" in card
    assert "None were recorded" in card
    assert "A decoder that turns codes into samples" in card
    assert "classes" not in card.split("## Use")[0]


def test_what_users_named_cannot_change_the_card(conditional: Model) -> None:
    evil = ("<script>alert(1)</script>", "a|b\n# Heading", "{{ 7 * 7 }}")
    card = model_card(conditional.description.model_copy(update={"classes": evil, "recipe": "x](http://evil)"}), 1, "samples.png")
    assert "<script>" not in card
    assert "\n# Heading" not in card
    assert "49" not in card
    assert "x](" not in card
