"""Penalties on a discriminator: one file each, pure functions of a critic and what it saw.

A file says of itself:

sees: which of "real" and "fake" it looks at; () for a constraint on weights.
needs_mix: whether it wants a uniform number in [0, 1] for each pair.
penalty(critic, real, fake, mix) -> (N,), one number per sample; critic maps samples (N, ...) to logits (N,), and the logit of a
    sample depends on that sample alone. What it does not see may be None.
constraint(parameters, limit) -> parameters, in place of `penalty` where `sees` is ().
"""

SHARED = ("slope",)
