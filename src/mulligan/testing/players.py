"""Check of networks."""

from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args, get_origin

import torch
from torch import Tensor, nn

from mulligan import find
from mulligan.errors import UsageError
from mulligan.layers.critique import Critique, reduce_logits
from mulligan.recipe import Network, Signature
from mulligan.testing.demand import demand, found, title, unchanged

ROLES = ("Generator", "Discriminator", "Encoder")
PLAIN = (
    Signature(sample=(1, 28, 28), latent=5, scaling="symmetric"),
    Signature(sample=(3, 32, 32), latent=5, scaling="unit"),
    Signature(sample=(2,), latent=5, scaling="none"),
)
SIGNATURES = (*PLAIN, *(signature.model_copy(update={"classes": 3}) for signature in PLAIN))
COUNT = 6


def check_network(thing: Any) -> None:
    """Check a network: for every role that it has a class for, its settings, and the module that they build, with each of its choices.

    The module has to give the right shapes for every kind of sample that it accepts (it may refuse others with a UsageError when it is
    built), to take labels where there are classes, to judge and make each sample by itself in inference mode, to start from torch's
    global generator alone, and to work as a pure function of its parameters and buffers: under `torch.func.functional_call` and
    `torch.func.grad`, where buffers are handed in as clones and updated there.

    thing: a name, or a namespace as `mulligan.networks` describes it. Raises AssertionError, UsageError for what is missing.
    """
    network = found("networks", thing)
    roles = [role for role in ROLES if role in vars(network)]
    demand(bool(roles), f"{title(network)} has none of the classes {', '.join(ROLES)}")
    for role in roles:
        settings = find.attribute(network, role)
        name = f"{title(network)}.{role}"
        demand(isinstance(settings, type) and issubclass(settings, Network), f"{name} is not a subclass of mulligan.Network")
        _check_settings(name, role, settings)
        with torch.random.fork_rng(devices=[]):
            for what, variant in _variants(settings.tiny()):
                accepted = [_check_module(f"{name}{what} for {signature.sample}", role, variant, signature) for signature in SIGNATURES]
                demand(any(accepted), f"{name}{what} accepts none of {', '.join(str(signature.sample) for signature in PLAIN)}")


def _variants(tiny: Network) -> Iterator[tuple[str, Network]]:
    """The settings as they are, and with every other value of each that is a choice (a Literal, or yes and no)."""
    yield "", tiny
    for key, field in type(tiny).model_fields.items():
        values = (
            (False, True) if field.annotation is bool else get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
        )
        for value in values:
            if value != getattr(tiny, key):
                yield f" with {key}={value}", tiny.model_copy(update={key: value})


def _check_settings(name: str, role: str, settings: type[Network]) -> None:
    for key, field in settings.model_fields.items():
        # the base describes name and role
        described = bool(field.description) or key in Network.model_fields
        demand(described, f"{name}.{key} has no description: give it Field(default, description=...)")
    tiny = settings.tiny()
    demand(tiny.role == role, f"{name}: its role is {tiny.role!r}, expected {role!r}")
    demand(settings.model_validate_json(tiny.model_dump_json()) == tiny, f"{name}: what is written as JSON is read back as something else")


def _check_module(name: str, role: str, settings: Network, signature: Signature) -> bool:
    """Whether the network accepts the signature; AssertionError if it does, and then does not keep to the contract."""
    torch.manual_seed(0)
    try:
        module = settings.build(signature)
    except UsageError:
        return False
    demand(isinstance(module, nn.Module), f"{name}: build gave a {type(module).__name__}, expected a torch.nn.Module")
    torch.manual_seed(0)
    again = settings.build(signature)
    demand(unchanged(module.state_dict(), again.state_dict()), f"{name}: two builds from the same seed differ")
    inputs = _inputs(role, signature)
    _check_shapes(name, role, module, signature, inputs)
    _check_labels(name, role, module, signature, inputs)
    _check_independence(name, module, inputs)
    _check_purity(name, module, inputs)
    if role == "Discriminator":
        _check_slope(name, module, inputs)
    return True


def _inputs(role: str, signature: Signature) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    first = torch.randn((COUNT, *((signature.latent,) if role == "Generator" else signature.sample)), generator=generator)
    if signature.classes and role != "Encoder":
        return first, torch.arange(COUNT) % signature.classes
    return (first,)


def _numbers(output: Any) -> Tensor:
    return reduce_logits(output.logits) if isinstance(output, Critique) else output


def _check_shapes(name: str, role: str, module: nn.Module, signature: Signature, inputs: tuple[Tensor, ...]) -> None:
    for count in (1, COUNT):
        for mode in (True, False):
            part = tuple(tensor[:count] for tensor in inputs)
            before = [tensor.clone() for tensor in part]
            try:
                output = module.train(mode)(*part)
            except (RuntimeError, ValueError) as error:
                reason = str(error).splitlines()[0]
                raise AssertionError(f"{name}: a batch of {count} in {'training' if mode else 'inference'} mode: {reason}") from error
            demand(all(torch.equal(old, new) for old, new in zip(before, part, strict=True)), f"{name}: changed its input")
            if role == "Discriminator":
                demand(isinstance(output, Critique), f"{name}: gave a {type(output).__name__}, expected mulligan.layers.critique.Critique")
                demand(output.logits.shape[:1] == (count,), f"{name}: {count} samples got logits {tuple(output.logits.shape)}")
                demand(output.features == (), f"{name}: gives features that nobody asked for")
                features = module(*part, features=True).features
                demand(
                    len(features) > 0 and all(feature.shape[:1] == (count,) for feature in features),
                    f"{name}: features=True should give at least one tensor with a row per sample",
                )
                expected = torch.Size([count])
            else:
                expected = torch.Size([count, *(signature.sample if role == "Generator" else (signature.latent,))])
            numbers = _numbers(output)
            demand(numbers.shape == expected, f"{name}: gave {tuple(numbers.shape)}, expected {tuple(expected)}")
            demand(bool(numbers.isfinite().all()), f"{name}: gave numbers that are not finite")
            state = module.state_dict().values()
            demand(all(bool(tensor.isfinite().all()) for tensor in state), f"{name}: its buffers are not finite after a batch of {count}")


def _check_labels(name: str, role: str, module: nn.Module, signature: Signature, inputs: tuple[Tensor, ...]) -> None:
    if role == "Encoder":
        return
    module.eval()
    if not signature.classes:
        _demand_refusal(f"{name}: ignores a label, and has no classes", module, inputs[0], torch.zeros(COUNT, dtype=torch.int64))
        return
    other = (inputs[1] + 1) % signature.classes
    same = torch.equal(_numbers(module(*inputs)), _numbers(module(inputs[0], other)))
    demand(not same, f"{name}: gives the same for every label")
    _demand_refusal(f"{name}: has classes, and goes on without a label", module, inputs[0])


def _demand_refusal(message: str, module: nn.Module, *inputs: Tensor) -> None:
    try:
        module(*inputs)
    except UsageError:
        return
    raise AssertionError(f"{message}: expected a UsageError")


def _check_independence(name: str, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    module.eval()
    together = _numbers(module(*inputs))
    alone = torch.cat([_numbers(module(*(tensor[index : index + 1] for tensor in inputs))) for index in range(COUNT)])
    demand(torch.allclose(together, alone, atol=1e-5), f"{name}: in inference mode, a sample depends on the samples beside it")


def _check_purity(name: str, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """Gradients of a pure function equal autograd's, and leave the module as it was; buffers change in the clones alone."""
    module.train()
    trained = {key: tensor for key, tensor in module.named_parameters() if tensor.requires_grad}
    parameters = {key: tensor.detach() for key, tensor in trained.items()}
    state = {key: tensor.clone() for key, tensor in module.state_dict().items()}

    def objective(parameters: dict[str, Tensor], buffers: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        torch.manual_seed(2)  # dropout
        output = torch.func.functional_call(module, (parameters, buffers), inputs)
        return _numbers(output).square().sum(), buffers

    buffers = {key: tensor.clone() for key, tensor in module.named_buffers()}
    gradient, (_, buffers) = _pure(name, torch.func.grad_and_value(objective, has_aux=True), parameters, buffers)
    demand(unchanged(state, module.state_dict()), f"{name}: changes itself, not the buffers that it was handed")
    torch.manual_seed(2)
    value = _numbers(module(*inputs)).square().sum()
    expected: tuple[Tensor | None, ...] = torch.autograd.grad(value, list(trained.values()), allow_unused=True)
    for (key, found_there), wanted in zip(gradient.items(), expected, strict=True):
        same = torch.allclose(found_there, torch.zeros_like(found_there) if wanted is None else wanted, rtol=1e-3, atol=1e-4)
        demand(same, f"{name}: the gradient of {key} as a pure function is not autograd's")
    demand(unchanged(dict(module.named_buffers()), buffers), f"{name}: buffers handed in and its own are updated differently")


def _check_slope(name: str, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """A gradient penalty can be taken and differentiated again, in training mode too."""
    module.train()
    parameters = {key: tensor.detach() for key, tensor in module.named_parameters()}
    buffers = {key: tensor.clone() for key, tensor in module.named_buffers()}
    samples, *label = inputs

    def penalty(parameters: dict[str, Tensor]) -> Tensor:
        def total(x: Tensor) -> Tensor:
            return _numbers(torch.func.functional_call(module, (parameters, buffers), (x, *label))).sum()

        slope: Tensor = torch.func.grad(total)(samples)
        return slope.square().sum()

    gradient = _pure(name, torch.func.grad(penalty), parameters)
    demand(all(bool(tensor.isfinite().all()) for tensor in gradient.values()), f"{name}: the gradient of a gradient penalty is not finite")
    demand(any(bool((tensor != 0).any()) for tensor in gradient.values()), f"{name}: a gradient penalty does not move it")


def _pure(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        hint = "(torch's BatchNorm cannot count batches in a gradient of a gradient: use that of mulligan.layers.normalisation)"
        raise AssertionError(f"{name}: no gradient of it as a pure function: {reason} {hint}") from error
