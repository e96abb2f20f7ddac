"""What recipes share for few training images: augmentations that come in as D begins to know the images by heart."""

from mulligan.recipe import LEAST_TO_ADAPT, Augmentation, Data

FEW = 5000  # images; of digits, D begins to know 2,000 by heart after some 100 rounds, and 8,000 not yet after 37 (dev/LOG.md)


def augmentations_for(data: Data) -> dict[str, Augmentation]:
    """Augmentations for a set of so many images: adaptive ones where there are few, none where there are many, or too few to withhold any.

    Translation and cutout, and changes of colour where there is any: those of Zhao et al. 2020 (arXiv 2006.10738), each with the
    probability of Karras et al. 2020 (arXiv 2006.06676). None for points, of which nothing was measured.

    >>> list(augmentations_for(Data(source="digits", kind="image", shape=(1, 28, 28), count=500)))
    ['translation', 'cutout']
    >>> augmentations_for(Data(source="digits", kind="image", shape=(1, 28, 28), count=8000))
    {}
    """
    if data.kind != "image" or data.count is None or not LEAST_TO_ADAPT <= data.count < FEW:
        return {}
    names = ("translation", "cutout", "colour") if data.shape[0] == 3 else ("translation", "cutout")
    return {name: Augmentation(adaptive=True) for name in names}
