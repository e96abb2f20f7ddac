"""The options of all verbs are frozen: scripts rely on them. Where a change is meant, write the new list to options.txt."""

import re
from pathlib import Path

from mulligan.cli import VERBS

FROZEN = Path(__file__).with_name("options.txt")
_OPTION = re.compile(r"^  (-{1,2}\S.*?)(?:  .*)?$", re.MULTILINE)


def test_options_are_those_that_are_frozen(command) -> None:
    lines = []
    for verb in VERBS:
        text = command(verb, "--help").out
        words = re.findall(r"^  (\w+)  ", text.partition("Commands:")[2], re.MULTILINE) if "Commands:" in text else []
        for name, said in [(verb, text)] if not words else [(f"{verb} {word}", command(verb, word, "--help").out) for word in words]:
            usage = " ".join(said.partition("\n\n")[0].split()).removeprefix("Usage: mulligan ")
            lines.append(usage.replace(" [OPTIONS]", ""))
            lines.extend(f"  {option}" for option in _OPTION.findall(said) if option != "--help")
            assert usage.startswith(name)
    assert "\n".join(lines) + "\n" == FROZEN.read_text()
