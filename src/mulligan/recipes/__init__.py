"""One file per recipe: a function of the same name that makes a Recipe from the data's facts, and DATA, the set that it was published on.

The function's further arguments are keys too: `mulligan train digits --recipe modern gamma=3`.
"""

SHARED = ("small_data",)
