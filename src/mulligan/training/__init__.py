"""One turn of the game after another: players, turns, the step, the loop and what it keeps."""
