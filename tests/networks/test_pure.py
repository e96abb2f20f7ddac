"""Every network, with everything that it can have inside, is a pure function of parameters and buffers."""

import pytest
import torch
from torch import Tensor

from mulligan.networks import conv, mlp
from mulligan.recipe import Network, Signature

SIGNATURE = Signature(sample=(1, 28, 28), latent=5, classes=3, scaling="symmetric")
NETWORKS = [
    mlp.Generator(widths=(8, 4), normalisation="batch", dropout=0.3),
    mlp.Discriminator(widths=(8, 4), dropout=0.3),
    mlp.Encoder(widths=(8,)),
    conv.Generator(width=2, normalisation="batch"),
    conv.Generator(width=2, resampling="nearest"),
    conv.Discriminator(width=2, normalisation="batch", dropout=0.3),
]


@pytest.mark.parametrize("settings", NETWORKS, ids=lambda settings: f"{settings.name}-{settings.role}")
def test_gradients_with_cloned_buffers_equal_autograd(settings: Network) -> None:
    """One pure call gives autograd's gradients and the buffers that the module itself would have, and touches nothing."""
    torch.manual_seed(0)
    module = settings.build(SIGNATURE)
    parameters = {name: tensor.detach() for name, tensor in module.named_parameters()}
    buffers = {name: tensor.clone() for name, tensor in module.named_buffers()}
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    first = torch.randn(4, 5) if settings.role == "Generator" else torch.randn(4, 1, 28, 28)
    inputs = (first,) if settings.role == "Encoder" else (first, torch.tensor([0, 1, 2, 0]))

    def numbers(output: Tensor | tuple[Tensor, ...]) -> Tensor:
        return output if isinstance(output, Tensor) else output[0]

    def objective(parameters: dict[str, Tensor], buffers: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        clones = {name: tensor.clone() for name, tensor in buffers.items()}
        output = torch.func.functional_call(module, (parameters, clones), inputs)
        return numbers(output).square().sum(), clones

    torch.manual_seed(1)
    gradient, after = torch.func.grad(objective, has_aux=True)(parameters, buffers)
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert all(torch.equal(before[name], tensor) for name, tensor in buffers.items())

    torch.manual_seed(1)
    numbers(module(*inputs)).square().sum().backward()
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(gradient[name], parameter.grad, msg=name)
    for name, buffer in module.named_buffers():
        torch.testing.assert_close(after[name], buffer, msg=name)
        assert not torch.equal(after[name], before[name])


@pytest.mark.parametrize("settings", [mlp.Discriminator.tiny(), conv.Discriminator.tiny()], ids=lambda settings: settings.name)
def test_gradient_of_a_gradient_equals_autograd(settings: Network) -> None:
    """The penalty's second derivative by torch.func and by autograd's double backward."""
    torch.manual_seed(0)
    module = settings.build(SIGNATURE)
    parameters = {name: tensor.detach() for name, tensor in module.named_parameters()}
    x, label = torch.randn(4, 1, 28, 28), torch.tensor([0, 1, 2, 0])

    def penalty(parameters: dict[str, Tensor]) -> Tensor:
        def total(x: Tensor) -> Tensor:
            logits: Tensor = torch.func.functional_call(module, parameters, (x, label)).logits
            return logits.sum()

        slope: Tensor = torch.func.grad(total)(x)
        return slope.square().sum()

    pure = torch.func.grad(penalty)(parameters)
    tracked = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(module(tracked, label).logits.sum(), tracked, create_graph=True)
    expected = torch.autograd.grad(slope.square().sum(), list(module.parameters()), materialize_grads=True, allow_unused=True)
    for (name, found), wanted in zip(pure.items(), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6, msg=name)
