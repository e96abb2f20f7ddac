"""A pass of torch's compiler that has oneDNN multiply the float32 matrices of a graph. Importing it imports the compiler.

Gradients are taken before the pass sees the graph, so that products forward and backward are replaced alike. What the compiler offers for
this operator by itself takes constant weights alone; here neither side is constant, and none is copied first.
"""

from typing import Any

import torch
from torch import Tensor
from torch._inductor import ir
from torch._inductor.custom_graph_pass import CustomGraphPass, get_hash_for_files
from torch._inductor.lowering import permute, register_lowering
from torch._inductor.mkldnn_ir import LinearUnary, _create_output_node
from torch.fx import Graph, Node

from mulligan.training.products import by_onednn

LEAST = 8  # a matrix with fewer rows or columns is none that is worth a call

_operators = torch.library.Library("mulligan", "DEF")  # type: ignore[no-untyped-call]
_operators.define("product(Tensor left, Tensor right, Tensor? bias) -> Tensor")  # type: ignore[no-untyped-call]


@torch.library.impl(_operators, "product", "CPU")
def _product(left: Tensor, right: Tensor, bias: Tensor | None) -> Tensor:
    """What a node stands for: left (M, K) @ right (K, N) + bias (N,)."""
    product = by_onednn(left, right.T)
    return product if bias is None else product + bias


@torch.library.register_fake("mulligan::product", lib=_operators)  # type: ignore[untyped-decorator]
def _shape(left: Tensor, right: Tensor, bias: Tensor | None) -> Tensor:
    return left.new_empty(left.shape[0], right.shape[1])


PRODUCT = torch.ops.mulligan.product.default


class _Call(LinearUnary):
    """A call of oneDNN in the generated code."""

    @classmethod
    def of(cls, left: Any, right: Any, bias: Any) -> Any:
        """What the call gives: left (M, K) times right (N, K) transposed, plus bias (N,) or None."""
        inputs = [cls.realize_input(left), cls.realize_input(right)]
        constants: list[Any] = ["none", [-1], ""]  # nothing is applied to the product
        if bias is None:
            constants.insert(0, None)
        else:
            inputs.append(cls.require_contiguous(cls.realize_input(bias)))
        layout = ir.FixedLayout(device=left.get_device(), dtype=left.get_dtype(), size=[left.get_size()[0], right.get_size()[0]])
        call = cls(layout=layout, inputs=inputs, constant_args=constants)
        return ir.TensorBox.create(_create_output_node(call))  # type: ignore[no-untyped-call]


@register_lowering(PRODUCT, type_promotion_kind=None)
def _lowered(left: Any, right: Any, bias: Any) -> Any:
    return _Call.of(left, permute(right, [1, 0]), bias)


class ByOneDnn(CustomGraphPass):
    """Replaces products of float32 matrices, with or without a bias."""

    def __call__(self, graph: Graph) -> None:
        """Change a graph in place."""
        for node in list(graph.nodes):
            taken = _operands(node)
            if taken is not None:
                with graph.inserting_before(node):
                    instead = graph.call_function(PRODUCT, taken)
                instead.meta.update(node.meta)
                node.replace_all_uses_with(instead)
                graph.erase_node(node)

    def uuid(self) -> object:
        """What a compilation is kept by."""
        return get_hash_for_files((__file__,))


def _operands(node: Node) -> tuple[Node, Node, Node | None] | None:
    """left, right and bias of a product that is worth it; None for any other node."""
    bias: Node | None = None
    if node.target is torch.ops.aten.mm.default:
        left, right = node.args
    elif node.target is torch.ops.aten.addmm.default and not node.kwargs:
        bias, left, right = node.args  # type: ignore[assignment]
    else:
        return None
    assert isinstance(left, Node)
    assert isinstance(right, Node)
    made = node.meta["val"]
    if made.dtype != torch.float32 or made.device.type != "cpu" or (bias is not None and bias.meta["val"].ndim != 1):
        return None
    return (left, right, bias) if min(*made.shape, left.meta["val"].shape[1]) >= LEAST else None
