"""Named tensors as one flat tensor, and back."""

import torch

from mulligan.training.flat import ALIGNMENT, Layout

TENSORS = {
    "a": torch.arange(3.0),
    "b.weight": torch.arange(34.0).view(2, 17),
    "scalar": torch.tensor(7.0),
    "c": torch.arange(16.0).view(4, 2, 2),
    "kernel": torch.arange(120.0).view(2, 3, 4, 5),
}


def test_there_and_back() -> None:
    layout = Layout.of(TENSORS)
    views = layout.views(layout.flat(TENSORS))
    assert list(views) == list(TENSORS)
    for name, tensor in TENSORS.items():
        assert torch.equal(views[name], tensor)


def test_views_share_memory_and_do_not_overlap() -> None:
    layout = Layout.of(TENSORS)
    flat = layout.flat(TENSORS).zero_()
    for tensor in layout.views(flat).values():
        tensor.add_(1)
    assert flat.max() == 1
    assert flat.sum() == sum(tensor.numel() for tensor in TENSORS.values())


def test_views_are_aligned() -> None:
    layout = Layout.of(TENSORS)
    flat = layout.flat(TENSORS)
    assert all(view.storage_offset() % ALIGNMENT == 0 for view in layout.views(flat).values())


def test_gaps_stay_zero_under_any_order_of_the_dictionary() -> None:
    layout = Layout.of(TENSORS)
    assert torch.equal(layout.flat(dict(reversed(TENSORS.items()))), layout.flat(TENSORS))


def test_kernels_lie_with_their_channels_last() -> None:
    layout = Layout.of(TENSORS)
    assert layout.views(layout.flat(TENSORS))["kernel"].is_contiguous(memory_format=torch.channels_last)
