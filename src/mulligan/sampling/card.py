"""The model card, README.md in a model folder: what the model is, how it was made and judged, and what it is not for.

In the manner of Mitchell et al. 2019 (arXiv 1810.03993). It is made from the description alone, so it holds no path, user or host.
"""

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mulligan import find
from mulligan.metrics.figures import number
from mulligan.sampling.description import OWN_DATA, Description, public_name

if TYPE_CHECKING:
    from jinja2 import Template

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def model_card(description: Description, parameters: int, picture: str) -> str:
    """The text of README.md.

    parameters: trainable weights of the generator. picture: name of the file beside the card that shows samples.
    """
    trained = description.trained
    return _template().render(
        description=description,
        trained=trained,
        parameters=parameters,
        picture=picture,
        shape=" x ".join(map(str, description.signature.sample)),
        own=trained.data == OWN_DATA,
        outside=find.is_outside(description.network.name),
        figures=trained.figures,
    )


def plain(text: Any) -> str:
    r"""A user's words on one line, with no sign that Markdown would read as its own.

    >>> print(plain("a|b\n# <c>"))
    a\|b \# \<c\>
    """
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))[:400]


def yaml(text: Any) -> str:
    r"""A user's words as a quoted scalar of YAML.

    >>> yaml('say "x"')
    '"say \\"x\\""'
    """
    words = " ".join(str(text).split())[:400]
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined  # not where a model is only sampled

    # Markdown, not HTML: what a user named is escaped by `plain`, and HTML's escaping would only show.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    environment.filters |= {
        "plain": plain,
        "yaml": yaml,
        "duration": _duration,
        "public": public_name,
        "number": number,
        "thousands": lambda number: f"{number:,}",
    }
    return environment.from_string(files("mulligan.sampling").joinpath("card.md.jinja").read_text(encoding="utf-8"))
