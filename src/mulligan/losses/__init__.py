"""Objectives: one file each, pure functions of what the discriminator said.

All take logits (N,) and return one number per sample, (N,). A file says of itself:

needs_pairs: False for `real_loss(d_real)`, `fake_loss(d_fake)`, `generator_loss(d_fake)`;
    True for `discriminator_loss(d_real, d_fake)`, `generator_loss(d_real, d_fake)`.
needs_features: True for `generator_loss(real_features, fake_features)`, of what the layers of D gave for both sides, each (N, ...), from
    the first to the last; it may compare batches, and then gives the same number for each sample. Absent: False.
reading: how the scores of D are read: "probability" (sigmoid), "raw", "difference" (real minus fake) or "pairs".
equilibrium: in words, where the scores stand when nobody wins.

A `real_loss` that knows one-sided label smoothing takes it as `smoothing: float = 0.0`.
"""
