"""What is wrong with a training, from its history and its samples: one rule per file, each `examine(seen) -> Finding | None`.

A rule's file is named after its verdict. It reads series of signals (`seen.py`), and has its limits at its top, each with its reason.
"""

SHARED = ("diagnosis", "doctor", "finding", "held_down", "opinion", "probe", "proof", "seen")
