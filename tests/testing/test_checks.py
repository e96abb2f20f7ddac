"""The checks find what they are for: things that break one rule each are refused, with a line that names the rule."""

from types import SimpleNamespace
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

from mulligan.augmentations import instance_noise
from mulligan.data import ring
from mulligan.data.dataset import Dataset
from mulligan.errors import UsageError
from mulligan.kinds import points
from mulligan.layers.condition import refuse
from mulligan.layers.critique import Critique
from mulligan.losses import feature_matching, hinge, non_saturating, pairing
from mulligan.networks import mlp
from mulligan.penalties import weight_clipping, zero_centred_real
from mulligan.recipe import Data, Network, Signature
from mulligan.testing import check_augmentation, check_dataset, check_kind, check_loss, check_network, check_penalty


def changed(thing: Any, **attributes: Any) -> SimpleNamespace:
    """A copy of a thing with some attributes replaced."""
    return SimpleNamespace(**{**vars(thing), **attributes})


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (changed(hinge, needs_pairs=None), "needs_pairs"),
        (changed(hinge, reading="odds"), "reading"),
        (changed(hinge, reading="pairs"), "needs_pairs is True"),
        (changed(hinge, equilibrium=""), "equilibrium"),
        (changed(hinge, real_loss=lambda d: 1.0), "expected a tensor"),
        (changed(hinge, real_loss=lambda d: (1 - d).relu().mean()), "one number per sample"),
        (changed(hinge, real_loss=lambda d: (1 - d).relu().float()), "float32 for torch.float64"),
        (changed(hinge, real_loss=lambda d: (1 - d) * torch.rand(1, dtype=d.dtype)), "another result"),
        (changed(hinge, real_loss=lambda d: d.mean() - 2 * d), "beside it"),
        (changed(hinge, real_loss=lambda d: (1 - d.detach()) - d + d.detach() * 2), "slope"),
        (changed(hinge, real_loss=lambda d: 1 + d), "to fall"),
        (changed(hinge, fake_loss=lambda d: 1 - d), "to rise"),
        (changed(hinge, real_loss=lambda d: -torch.log(torch.sigmoid(d))), "not finite"),
        (changed(pairing, generator_loss=pairing.discriminator_loss), r"generator_loss: expected to rise"),
        (changed(non_saturating, real_loss=lambda d, smoothing=0.0: non_saturating.real_loss(d)), "too sure"),
    ],
)
def test_losses_that_break_a_rule(loss: SimpleNamespace, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_loss(loss)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(UsageError, match="no equilibrium"):
        check_loss(SimpleNamespace(needs_pairs=False, reading="raw"))
    with pytest.raises(UsageError, match="no such name"):
        check_loss("hinges")


def squared_norm(root: bool, mean: bool) -> Any:
    def penalty(critic: Any, real: Tensor, fake: Tensor | None, mix: Tensor | None) -> Tensor:
        square = torch.func.grad(lambda x: critic(x).sum())(real).flatten(1).square().sum(1)
        size = square.sqrt() if root else square
        return size.mean().expand(len(real)) if mean else size

    return penalty


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (changed(zero_centred_real, sees=("reals",)), "sees"),
        (changed(zero_centred_real, needs_mix=1), "needs_mix"),
        (changed(zero_centred_real, penalty=lambda critic, real, fake, mix: critic(real).mean()), r"\(6,\)"),
        (changed(zero_centred_real, penalty=lambda critic, real, fake, mix: critic(real).detach()), "slope"),
        (changed(zero_centred_real, penalty=squared_norm(root=True, mean=False)), "not finite for a critic that is flat"),
        (changed(zero_centred_real, penalty=squared_norm(root=False, mean=True)), "beside it"),
        (changed(zero_centred_real, penalty=lambda critic, real, fake, mix: real.flatten(1).sum(1)), "does not move"),
        (changed(weight_clipping, constraint=lambda parameters, limit: {}), "by the same names"),
        (changed(weight_clipping, constraint=lambda parameters, limit: dict(parameters)), "leaves"),
        (
            changed(weight_clipping, constraint=lambda parameters, limit: {name: 0.5 * tensor for name, tensor in parameters.items()}),
            "does not fulfil",
        ),
        (
            changed(
                weight_clipping, constraint=lambda parameters, limit: {name: p.clamp_(-limit, limit) for name, p in parameters.items()}
            ),
            "changed its argument",
        ),
    ],
)
def test_penalties_that_break_a_rule(penalty: SimpleNamespace, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_penalty(penalty)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (changed(feature_matching, needs_features=1), "needs_features"),
        (changed(feature_matching, generator_loss=lambda real, fake: (real[-1] - fake[-1]).square().mean()), r"\(6,\)"),
        (changed(feature_matching, generator_loss=lambda real, fake: fake[-1].detach().square().sum(1)), "slope"),
        (changed(feature_matching, generator_loss=lambda real, fake: real[-1].square().sum(1)), "does not move"),
        (changed(feature_matching, generator_loss=lambda real, fake: -feature_matching.generator_loss(real, fake)), "come nearer"),
        (changed(feature_matching, real_loss=lambda d, smoothing=0.0: non_saturating.real_loss(d, smoothing / 2)), "D says 0.9"),
    ],
)
def test_losses_of_features_that_break_a_rule(loss: SimpleNamespace, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_loss(loss)


def looking(samples: Tensor, drawn: dict[str, Tensor], strength: Tensor) -> Tensor:
    return samples + float(strength) * drawn["noise"]


@pytest.mark.parametrize(
    ("augmentation", "message"),
    [
        (changed(instance_noise, needs_image=None), "needs_image"),
        (changed(instance_noise, most=1), "most"),
        (changed(instance_noise, draws=lambda shape: {"noise": ("gamma", shape)}), "draws from 'gamma'"),
        (changed(instance_noise, augment=lambda samples, drawn, strength: samples.flatten(1)), "gave"),
        (changed(instance_noise, augment=lambda samples, drawn, strength: samples), "changes nothing"),
        (changed(instance_noise, augment=lambda samples, drawn, strength: samples + drawn["noise"]), "at strength 0"),
        (changed(instance_noise, augment=lambda samples, drawn, strength: samples * (1 + strength * torch.rand(1))), "another result"),
        (changed(instance_noise, augment=lambda samples, drawn, strength: samples + strength * samples.mean(0)), "beside it"),
        (changed(instance_noise, augment=lambda samples, drawn, strength: samples.detach() + strength * drawn["noise"]), "slope"),
        (changed(instance_noise, augment=looking), "without looking at its value"),
    ],
)
def test_augmentations_that_break_a_rule(augmentation: SimpleNamespace, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_augmentation(augmentation)


class Counting(nn.BatchNorm1d):
    """torch's BatchNorm, which counts batches; one sample alone goes by the moving statistics."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if len(x) > 1 or not self.training else x


class Wrong(nn.Module):
    """A dense discriminator with one thing wrong."""

    def __init__(self, fault: str, inputs: int) -> None:
        super().__init__()
        self.fault = fault
        norm = {"one": nn.BatchNorm1d(4), "counter": Counting(4)}.get(fault, nn.Identity())
        self.body = nn.Sequential(nn.Linear(inputs, 4), norm, nn.LeakyReLU(0.2))
        self.head = nn.Linear(4, 1)
        if fault == "start":
            with torch.no_grad():
                self.head.weight.copy_(torch.from_numpy(np.random.default_rng().normal(size=(1, 4))))

    def forward(self, x: Tensor, label: Tensor | None = None, features: bool = False) -> Any:
        if self.fault not in ("ignored", "label"):
            refuse(label)
        if self.fault == "input":
            x.mul_(0.9)
        h = self.body(x.flatten(1))
        if self.fault == "neighbours":
            h = h - h.mean(0)
        logits = self.head(h).squeeze(1)
        if self.fault == "tensor":
            return logits
        return Critique(logits, (h,) if features or self.fault == "features" else ())


class Faulty(Network):
    """Settings of a wrong network."""

    name: str = "faulty"
    role: Literal["Discriminator"] = "Discriminator"
    fault: str = Field("", description="What is wrong with it.")
    chosen: ClassVar[str] = ""

    def build(self, signature: Signature) -> nn.Module:
        if len(signature.sample) == 3 or bool(signature.classes) != (self.fault == "label"):
            raise UsageError("for points alone")
        return Wrong(self.fault, signature.sample[0])

    @classmethod
    def tiny(cls) -> "Faulty":
        return cls(fault=cls.chosen)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("input", "changed its input"),
        ("neighbours", "beside it"),
        ("tensor", "expected mulligan.layers.critique.Critique"),
        ("features", "nobody asked for"),
        ("start", "same seed differ"),
        ("label", "the same for every label"),
        ("ignored", "ignores a label"),
        ("one", "a batch of 1 in training mode"),
        ("counter", "no gradient of it as a pure function"),
    ],
)
def test_networks_that_break_a_rule(fault: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_network(SimpleNamespace(Discriminator=type("Faulty", (Faulty,), {"chosen": fault, "__annotations__": {}})))


class Undescribed(mlp.Discriminator):
    """A setting without words."""

    extra: int = 3


def test_settings_without_a_description_are_refused() -> None:
    with pytest.raises(AssertionError, match="extra has no description"):
        check_network(SimpleNamespace(Discriminator=Undescribed))


def test_networks_without_a_role_are_refused() -> None:
    with pytest.raises(AssertionError, match="none of the classes"):
        check_network(SimpleNamespace())


def _redrawn(request: Data) -> Dataset:
    generator = np.random.default_rng()
    return Dataset(ring.load(request).data, *[type(ring.load(request).train)(lambda n, _: generator.normal(size=(n, 2)).astype("f4"))] * 2)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (changed(ring, accepts=lambda source: True), "accepts anything"),
        (changed(ring, accepts=lambda source: False), "is not True"),
        (changed(ring, load=lambda request: None), "gave a NoneType"),
        (changed(ring, load=_redrawn), "gives other samples"),
    ],
)
def test_sources_that_break_a_rule(source: SimpleNamespace, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_dataset(source, "ring")


class Coarse(points.Points):
    """Points that lose what is behind the decimal point."""

    def decode(self, samples: Tensor) -> np.ndarray:
        return super().decode(samples).round()


def test_kinds_that_lose_something_are_refused() -> None:
    raw = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    coarse = changed(points, fit=lambda data, scaling, raw: Coarse(shape=(2,), scaling="none"), read=Coarse.model_validate)
    with pytest.raises(AssertionError, match="not those that were encoded"):
        check_kind(coarse, raw, "none")
    with pytest.raises(AssertionError, match="gave a NoneType"):
        check_kind(changed(points, fit=lambda data, scaling, raw: None), raw, "none")


def test_sets_and_kinds_that_are_good() -> None:
    assert check_dataset("digits", "digits").data.count == 8000
    raw = np.random.default_rng(0).integers(0, 256, (5, 3, 8, 8), np.uint8)
    assert check_kind("image", raw, "unit").shape == (3, 8, 8)
    assert check_kind("points", raw[:, 0, 0].astype(np.float32), "standard").shape == (8,)
