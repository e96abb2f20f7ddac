"""Checks of losses and penalties."""

from collections.abc import Callable
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from mulligan import find
from mulligan.testing.demand import demand, differences, found, tensor, title

Score = Callable[[Tensor], Tensor]
READINGS = ("probability", "raw", "difference", "pairs")


def check_loss(thing: Any) -> None:
    """Check a loss.

    Its attributes are there; its functions are pure, give one number per sample, have a gradient that is their slope, stay finite, and
    push both players the right way.

    thing: a name, or a namespace as `mulligan.losses` describes it. Raises AssertionError, UsageError for what is missing.
    """
    loss = found("losses", thing)
    name = title(loss)
    needs_pairs = find.attribute(loss, "needs_pairs")
    demand(isinstance(needs_pairs, bool), f"{name}.needs_pairs is {needs_pairs!r}: expected True or False")
    reading = find.attribute(loss, "reading")
    demand(reading in READINGS, f"{name}.reading is {reading!r}: expected one of {', '.join(READINGS)}")
    demand((reading == "pairs") == needs_pairs, f"{name}: scores are read as pairs where, and only where, needs_pairs is True")
    equilibrium = find.attribute(loss, "equilibrium")
    demand(isinstance(equilibrium, str) and equilibrium != "", f"{name}.equilibrium is {equilibrium!r}: expected words")

    # between 0 and 1 no objective is content yet: least squares turns back above 1, the hinge ends there
    real, fake = torch.rand((2, 50), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    if needs_pairs:
        for function, wants_real_high in (("discriminator_loss", True), ("generator_loss", False)):
            of_real, of_fake = _halves(find.attribute(loss, function), real, fake)
            _check_function(f"{name}.{function}", of_real, real, falls=wants_real_high)
            _check_function(f"{name}.{function}", of_fake, fake, falls=not wants_real_high)
        return
    real_loss = find.attribute(loss, "real_loss")
    _check_function(f"{name}.real_loss", real_loss, real, falls=True)
    _check_function(f"{name}.fake_loss", find.attribute(loss, "fake_loss"), fake, falls=False)
    needs_features = getattr(loss, "needs_features", False)
    demand(isinstance(needs_features, bool), f"{name}.needs_features is {needs_features!r}: expected True or False")
    if needs_features:
        _check_features(f"{name}.generator_loss", find.attribute(loss, "generator_loss"))
    else:
        _check_function(f"{name}.generator_loss", find.attribute(loss, "generator_loss"), fake, falls=True)
    if "smoothing" in signature(real_loss).parameters:
        _check_smoothing(f"{name}.real_loss", real_loss, real, reading)


def _halves(function: Callable[[Tensor, Tensor], Tensor], real: Tensor, fake: Tensor) -> tuple[Score, Score]:
    """A function of pairs as one of the real scores alone, and as one of the fake ones."""
    return lambda d: function(d, fake[: len(d)].to(d)), lambda d: function(real[: len(d)].to(d), d)


def _check_function(name: str, function: Score, scores: Tensor, falls: bool) -> None:
    before = scores.clone()
    value = tensor(name, function(scores))
    demand(value.shape == scores.shape, f"{name}: expected one number per sample, {tuple(scores.shape)}")
    demand(value.dtype == scores.dtype, f"{name}: gave {value.dtype} for {scores.dtype}")
    demand(torch.equal(scores, before), f"{name}: changed its argument")
    demand(torch.equal(function(scores), value), f"{name}: gave another result for the same scores")
    demand(torch.allclose(function(scores[:7]), value[:7]), f"{name}: a sample's loss depends on the samples beside it")
    gradient = torch.func.grad(lambda d: function(d).sum())(scores)
    demand(torch.allclose(gradient, differences(function, scores), atol=1e-6), f"{name}: its gradient is not its slope")
    wrong = gradient > 0 if falls else gradient < 0
    demand(
        not bool(wrong.any()) and bool((gradient != 0).any()),
        f"{name}: expected to {'fall' if falls else 'rise'} with the score everywhere between 0 and 1",
    )
    far = torch.tensor([-1e4, 1e4], dtype=torch.float32)
    far_gradient = torch.func.grad(lambda d: function(d).sum())(far)
    demand(bool(function(far).isfinite().all() and far_gradient.isfinite().all()), f"{name}: not finite at scores of -10000 and 10000")


def _check_features(name: str, function: Callable[[tuple[Tensor, ...], tuple[Tensor, ...]], Tensor]) -> None:
    """A loss of what D's layers saw: it may compare batches, and gives the same number for each sample then."""
    generator = torch.Generator().manual_seed(0)
    real = torch.randn((6, 2, 3), generator=generator, dtype=torch.float64), torch.randn((6, 4), generator=generator, dtype=torch.float64)
    fake = torch.randn((6, 2, 3), generator=generator, dtype=torch.float64), torch.randn((6, 4), generator=generator, dtype=torch.float64)

    def of_fake(layer: int) -> Score:
        return lambda x: function(real, tuple(x if place == layer else own for place, own in enumerate(fake)))

    before = [x.clone() for x in (*real, *fake)]
    value = tensor(name, function(real, fake))
    demand(value.shape == (6,), f"{name}: expected one number per sample, (6,)")
    demand(value.dtype == torch.float64, f"{name}: gave {value.dtype} for float64")
    demand(all(torch.equal(x, old) for x, old in zip((*real, *fake), before, strict=True)), f"{name}: changed its argument")
    demand(torch.equal(function(real, fake), value), f"{name}: gave another result for the same features")
    slopes = torch.func.grad(lambda fake: function(real, fake).sum())(fake)
    for layer, slope in enumerate(slopes):
        demand(torch.allclose(slope, differences(of_fake(layer), fake[layer]), atol=1e-5), f"{name}: its gradient is not its slope")
    demand(any(bool((slope != 0).any()) for slope in slopes), f"{name}: does not move the generator")
    nearer = tuple(own + 0.1 * (other - own) for own, other in zip(fake, real, strict=True))
    demand(bool(function(real, nearer).mean() < value.mean()), f"{name}: expected to fall when fake features come nearer to real ones")


def _check_smoothing(name: str, real_loss: Callable[..., Tensor], scores: Tensor, reading: str) -> None:
    demand(torch.equal(real_loss(scores, smoothing=0.0), real_loss(scores)), f"{name}: smoothing=0 is not the default")
    far = torch.tensor([20.0], dtype=torch.float64)
    slope = torch.func.grad(lambda d: real_loss(d, smoothing=0.1).sum())(far)
    demand(bool(slope > 0), f"{name}: with smoothing, a score of 20 should be too sure, and its loss rise with the score")
    if reading == "probability":
        content = torch.tensor([0.9], dtype=torch.float64).logit()
        slope = torch.func.grad(lambda d: real_loss(d, smoothing=0.1).sum())(content)
        demand(bool(slope.abs() < 1e-6), f"{name}: with smoothing=0.1, it should be lowest where D says 0.9")


def check_penalty(thing: Any) -> None:
    """Check a penalty.

    Its attributes are there; it is pure, gives one number per sample that depends on that sample alone, and has the right gradient with
    respect to the critic. Or, as a constraint, it gives back parameters that fulfil it.

    thing: a name, or a namespace as `mulligan.penalties` describes it. Raises AssertionError, UsageError for what is missing.
    """
    penalty = found("penalties", thing)
    name = title(penalty)
    sees = find.attribute(penalty, "sees")
    demand(isinstance(sees, tuple) and set(sees) <= {"real", "fake"}, f'{name}.sees is {sees!r}: expected a tuple of "real" and "fake"')
    needs_mix = find.attribute(penalty, "needs_mix")
    demand(isinstance(needs_mix, bool), f"{name}.needs_mix is {needs_mix!r}: expected True or False")
    if sees:
        _check_penalty(name, find.attribute(penalty, "penalty"), sees, needs_mix)
    else:
        _check_constraint(name, find.attribute(penalty, "constraint"))


def _check_penalty(name: str, function: Callable[..., Tensor], sees: tuple[str, ...], needs_mix: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn((2, 6, 2, 3), generator=generator, dtype=torch.float64)
    mix = torch.rand(6, generator=generator, dtype=torch.float64) if needs_mix else None
    weights = torch.randn((6, 4), generator=generator, dtype=torch.float64)

    def value(weights: Tensor, count: int = 6) -> Tensor:
        def critic(x: Tensor) -> Tensor:
            return (x.flatten(1) @ weights.to(x)).tanh().sum(1)

        seen_real, seen_fake = (samples[:count] if which in sees else None for which, samples in (("real", real), ("fake", fake)))
        return function(critic, seen_real, seen_fake, None if mix is None else mix[:count])

    before = real.clone(), fake.clone()
    result = tensor(name, value(weights))
    demand(result.shape == (6,), f"{name}: expected one number per sample, (6,)")
    demand(result.dtype == torch.float64, f"{name}: gave {result.dtype} for float64")
    demand(torch.equal(real, before[0]) and torch.equal(fake, before[1]), f"{name}: changed the samples that it saw")
    demand(torch.equal(value(weights), result), f"{name}: gave another result for the same samples")
    demand(torch.allclose(value(weights, 4), result[:4]), f"{name}: a sample's penalty depends on the samples beside it")
    gradient = torch.func.grad(lambda w: value(w).sum())(weights)
    demand(
        torch.allclose(gradient, differences(value, weights), atol=1e-5), f"{name}: its gradient for the critic's weights is not its slope"
    )
    demand(bool((gradient != 0).any()), f"{name}: does not move the critic")
    flat = torch.func.grad(lambda w: value(w).sum())(torch.zeros_like(weights))
    demand(bool(flat.isfinite().all()), f"{name}: its gradient is not finite for a critic that is flat")


def _check_constraint(name: str, function: Callable[..., dict[str, Tensor]]) -> None:
    generator = torch.Generator().manual_seed(0)
    parameters = {"weight": torch.randn((3, 2), generator=generator), "bias": torch.zeros(3)}
    before = {key: value.clone() for key, value in parameters.items()}
    for limit in (0.01, torch.tensor(0.01)):
        result = function(parameters, limit)
        demand(
            result.keys() == parameters.keys() and all(result[key].shape == parameters[key].shape for key in result),
            f"{name}: expected the parameters that it was given, by the same names and of the same shapes",
        )
        demand(all(torch.equal(parameters[key], before[key]) for key in before), f"{name}: changed its argument")
        demand(
            any(not torch.equal(result[key], before[key]) for key in before), f"{name}: leaves standard normal weights as they are at 0.01"
        )
        again = function(result, limit)
        demand(all(torch.allclose(again[key], result[key]) for key in result), f"{name}: what it gives back does not fulfil it")
