"""Which game is played: a file composes players and turns. It offers `game(recipe, kind) -> Game`."""

SHARED = ("critic", "unrolling", "view")
