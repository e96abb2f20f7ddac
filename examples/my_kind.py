"""A kind of sample of one's own: angles in degrees, which go round. With it comes a source of such angles, the usual directions of wind:

    mulligan train examples/my_kind.py:my_kind --recipe points

One name for both, typed by the user, allows the code of both. A saved model is made of this kind, so sampling asks for it again:
`mulligan sample RUN --to angles.csv --trust examples/my_kind.py:my_kind`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import PIL.Image

from mulligan import Data, UsageError
from mulligan.data.dataset import Dataset, Split, fingerprint
from mulligan.kinds.points import Points
from mulligan.recipe import Scaling

if TYPE_CHECKING:
    from torch import Tensor

NAME = "examples/my_kind.py:my_kind"


class Angles(Points):
    """Angles in degrees, raw and decoded: float32 (N, D) in [0, 360). Networks see them between -1 and 1."""

    name: str = NAME
    scaling: Literal["symmetric"] = "symmetric"

    def encode(self, raw: "Tensor") -> "Tensor":
        """Degrees -> [-1, 1)."""
        return raw.float() / 180 - 1

    def decode(self, samples: "Tensor") -> np.ndarray:
        """[-1, 1] -> degrees; what goes beyond comes round again."""
        if not bool(samples.isfinite().all()):
            raise ValueError("generated angles are not finite")
        degrees: np.ndarray = ((samples.detach().float() + 1) * 180).remainder(360).cpu().numpy()
        return degrees

    def preview(
        self, groups: Sequence[np.ndarray], columns: int = 10, scale: int | None = None, dark_on_light: bool = False
    ) -> PIL.Image.Image:
        """The first angle of each sample as a point on a circle; groups on circles of their own, the first one outside."""
        rounds = []
        for place, group in enumerate(groups):
            angle = np.deg2rad(group[:, 0])
            rounds.append((1 - 0.2 * place) * np.stack([np.cos(angle), np.sin(angle)], axis=1))
        return Points(shape=(2,), scaling="none").preview(rounds)

    @classmethod
    def tiny(cls) -> Self:
        """One angle."""
        return cls(shape=(1,))


def fit(data: Data, scaling: Scaling, raw: np.ndarray) -> Angles:
    """The kind of these data; nothing is taken from them."""
    if scaling != "symmetric":
        raise UsageError(f"scaling={scaling} is not for angles", "Use scaling=symmetric")
    return Angles(shape=tuple(raw.shape[1:]))


def read(settings: dict[str, Any]) -> Angles:
    """The kind as stored in model.json."""
    return Angles.model_validate(settings)


def accepts(source: str) -> bool:
    """Whether what the user typed means this source."""
    return source.endswith("my_kind.py:my_kind")


def load(request: Data) -> Dataset:
    """Winds that blow mostly from the south-west, and at times from the east: 2,000 to train on, 500 held out."""
    generator = np.random.default_rng(0)
    main = generator.random(2500) < 0.7
    degrees = np.where(main, generator.normal(225, 20, 2500), generator.normal(90, 10, 2500)) % 360
    angles = degrees.astype(np.float32)[:, None]
    train, test = Split(angles[:2000]), Split(angles[2000:])
    found = {
        "kind": NAME,
        "shape": (1,),
        "classes": (),
        "columns": ("direction",),
        "count": len(train.target),
        "fingerprint": fingerprint(train),
    }
    return Dataset(request.model_copy(update=found), train, test, licence="made by a formula")
