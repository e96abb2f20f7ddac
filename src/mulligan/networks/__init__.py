"""Architectures: one file each, with a class of settings for every role that it can play (Generator, Discriminator, Encoder).

Settings are free of torch; `build(signature)` imports it and returns the untrained module:

Generator: forward(z (N, latent), label (N,) or None) -> samples (N, *shape).
Discriminator: forward(x (N, *shape), label (N,) or None, features=False) -> mulligan.layers.critique.Critique.
Encoder: forward(x (N, *shape)) -> codes (N, latent).
"""

SHARED = ("judging",)
