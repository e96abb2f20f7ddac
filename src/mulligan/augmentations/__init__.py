"""Differentiable changes of what a discriminator sees: one file each, applied to real samples and fakes alike.

G learns through them, so that D can only tell apart what is still told apart when both sides are changed in the same manner
(Zhao et al. 2020, arXiv 2006.10738, section 3). A file says of itself:

needs_image: whether samples have to be images, (channels, height, width).
most: the largest strength that makes sense, 1.0 for a probability; None for no limit.
draws(shape) -> name -> (distribution, shape): the random numbers that it needs for each sample of that shape, from `normal`, `uniform`
    (in [-1, 1]) or `unit` (in [0, 1)).
augment(samples, drawn, strength) -> samples: (N, *shape) as networks see them, changed; drawn: (N, ...) each; strength: a scalar tensor,
    at 0 of which samples stay as they are. A sample depends on its own row alone.
"""

SHARED = ("chance",)
