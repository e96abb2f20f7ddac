"""How steep a critic is at given samples."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

Critic = Callable[[Tensor], Tensor]
_recorded: ContextVar[bool] = ContextVar("recorded", default=False)


class Noted:
    """A critic that keeps what it said of the samples whose slope was taken: whoever wants their logits too need not ask again.

    >>> critic = Noted(lambda x: (x**2).sum(1))
    >>> samples = torch.tensor([[1.0, 2.0]])
    >>> gradients(critic, samples), critic.said_of(samples)
    (tensor([[2., 4.]]), tensor([5.]))
    """

    def __init__(self, critic: Critic) -> None:
        self.critic = critic
        self.said: list[tuple[Tensor, Tensor]] = []

    def __call__(self, samples: Tensor) -> Tensor:
        """The logits (N,) of samples (N, ...)."""
        return self.critic(samples)

    def said_of(self, samples: Tensor) -> Tensor | None:
        """The logits of these very samples (the same tensor), if their slope was taken."""
        return next((logits for asked, logits in self.said if asked is samples), None)


def gradients(critic: Critic, samples: Tensor) -> Tensor:
    """The gradient of each sample's logit with respect to that sample, flattened.

    critic: samples (N, ...) -> logits (N,). samples: (N, ...). Returns (N, numbers in a sample), differentiable once more.

    >>> gradients(lambda x: (x**2).sum(1), torch.tensor([[1.0, 2.0], [3.0, 0.0]]))
    tensor([[2., 4.],
            [6., 0.]])
    """

    # a logit depends on its own sample alone, so the gradient of the sum holds the gradient of each
    def total(x: Tensor) -> tuple[Tensor, Tensor]:
        logits = critic(x)
        return logits.sum(), logits

    if _tape_serves():
        seen = samples if samples.requires_grad else samples.detach().requires_grad_()
        summed, logits = total(seen)
        (gradient,) = torch.autograd.grad(summed, seen, create_graph=True)
    else:
        gradient, logits = torch.func.grad(total, has_aux=True)(samples)
    if isinstance(critic, Noted):
        critic.said.append((samples, logits))
    flat: Tensor = gradient.flatten(1)
    return flat


@contextmanager
def on_tape() -> Iterator[None]:
    """Slopes are recorded on torch's tape here, as everything else is: what is returned requires gradients."""
    token = _recorded.set(True)
    try:
        yield
    finally:
        _recorded.reset(token)


def _tape_serves() -> bool:
    """Whether the tape will do: where a compiler or a transform of `torch.func` looks on, it is not known.

    The numbers are the same, but `torch.func.grad` imports the compiler when it is first called, and a run that compiles nothing begins
    a second or two sooner without it.
    """
    return not torch.compiler.is_compiling() and _recorded.get() and torch._C._functorch.peek_interpreter_stack() is None


def given(samples: Tensor | None, which: str) -> Tensor:
    """The samples, or a ValueError where the penalty sees them and they are not there."""
    if samples is None:
        raise ValueError(f"this penalty looks at {which}, and got none")
    return samples
