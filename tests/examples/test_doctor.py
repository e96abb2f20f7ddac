"""The doctor in a plain loop of PyTorch."""

import importlib.util
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "doctor_plain_loop.py"


def test_doctor_in_a_plain_loop() -> None:
    """Twenty steps at a rate that moves nothing: D, which sees noise beside digits, has won."""
    spec = importlib.util.spec_from_file_location("doctor_plain_loop", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    assert example.main(steps=20, width=16, rate=1e-9) in ("discriminator-wins", "mode-collapse", "generator-wins")
