"""Labels enter where they are wanted, and are refused where they are not."""

import pytest
import torch

from mulligan.errors import UsageError
from mulligan.layers.condition import Embedding, join, one_hot


def test_one_hot_equals_torch_in_the_type_of_the_input() -> None:
    label = torch.tensor([2, 0, 1])
    found = one_hot(label, 4, torch.zeros(1, dtype=torch.float64))
    assert found.dtype == torch.float64
    assert torch.equal(found, torch.nn.functional.one_hot(label, 4).double())


def test_join() -> None:
    x = torch.randn(2, 3)
    joined = join(x, torch.tensor([1, 0]), 2)
    assert torch.equal(joined, torch.cat([x, torch.tensor([[0.0, 1.0], [1.0, 0.0]])], 1))
    assert join(x, None, 0) is x


@pytest.mark.parametrize(("label", "classes"), [(None, 2), (torch.tensor([1, 0]), 0)])
def test_label_that_is_missing_or_would_be_ignored(label: torch.Tensor | None, classes: int) -> None:
    with pytest.raises(UsageError, match="label"):
        join(torch.zeros(2, 3), label, classes)


def test_embedding_is_a_table() -> None:
    embedding = Embedding(5, 3)
    label = torch.tensor([4, 4, 0])
    torch.testing.assert_close(embedding(label, torch.zeros(1)), embedding.weight[label])
