"""The tensors of a model: which there must be, whether they are, and their hash."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

from mulligan.errors import CheckpointError
from mulligan.recipe import Network, Signature
from mulligan.sampling.description import MENDING, Description

Expected = dict[str, tuple[str, tuple[int, ...]]]  # name -> type such as float32, shape


def expected(description: Description) -> Expected:
    """What the weights of a description must be, found without any memory for them, so that a lie about sizes costs nothing.

    Raises CheckpointError where the networks cannot be built.
    """
    signature = description.signature
    wanted: Expected = {}
    for player, network in {"generator": description.network, "encoder": description.encoder}.items():
        if network is not None:
            wanted |= {f"{player}/{name}": _facts(tensor) for name, tensor in _without_memory(network, signature).items()}
    if description.fitted:
        wanted["latent/mean"] = ("float32", (signature.latent,))
        wanted["latent/factor"] = ("float32", (signature.latent, signature.latent))
    return wanted


def require(weights: Mapping[str, Tensor], wanted: Expected) -> None:
    """Raise CheckpointError naming the first tensor that is missing, unknown, or of another type or shape than wanted."""
    for name in sorted(wanted.keys() ^ weights.keys()):
        raise CheckpointError(f"the weights {'lack' if name in wanted else 'hold'} {name[:80]}, unlike the network", MENDING)
    for name, tensor in weights.items():
        if _facts(tensor) != wanted[name]:
            found, want = (f"{dtype} {list(shape)}" for dtype, shape in (_facts(tensor), wanted[name]))
            raise CheckpointError(f"the weight {name} is {found}, and the network wants {want}", MENDING)


def content_hash(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of the names, types, shapes and numbers of tensors, whatever file they came from.

    >>> content_hash({"a": torch.zeros(2)}) == content_hash({"a": torch.zeros(2, 1)})
    False
    """
    digest = sha256()
    for name in sorted(weights):
        dtype, shape = _facts(weights[name])
        digest.update(f"{name} {dtype} {list(shape)}\n".encode())
        digest.update(weights[name].detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _facts(tensor: Tensor) -> tuple[str, tuple[int, ...]]:
    return str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape)


class _Undrawn(TorchFunctionMode):
    """No random number is drawn inside: for a tensor without memory torch would load a compiler and an algebra system, a second of it."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Iterable[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if function in _FILLED:
            return args[0] if args else named["tensor"]
        return _MADE.get(function, function)(*args, **named)


_FILLED = {torch.Tensor.normal_, torch.Tensor.uniform_, init.normal_, init.uniform_, init.kaiming_uniform_}
_MADE: dict[Callable[..., Any], Callable[..., Any]] = {torch.randn: torch.empty, torch.rand: torch.empty}


def _without_memory(network: Network, signature: Signature) -> dict[str, Tensor]:
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"), _Undrawn():
            return dict(network.build(signature).state_dict())
    except (RuntimeError, ValueError, TypeError, OverflowError, NotImplementedError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise CheckpointError(f"the network {network.name} cannot be built ({reason})", MENDING) from None
