"""What each setting of a recipe means, taken from the one place where it is said: the description in its field."""

from typing import Any

from pydantic import BaseModel

from mulligan import find
from mulligan.errors import MulliganError
from mulligan.recipe import (
    Adam,
    Augmentation,
    Data,
    Ema,
    History,
    Keeping,
    Latent,
    Lookahead,
    Loss,
    Machine,
    Order,
    Penalty,
    Player,
    Recipe,
    Turns,
)

Path = tuple[str, ...]
_PARTS: dict[str, type[BaseModel]] = {
    "data": Data, "latent": Latent, "loss": Loss, "turns": Turns, "order": Order, "machine": Machine, "keeping": Keeping,
}  # fmt: skip


def descriptions(recipe: dict[str, Any]) -> dict[Path, str]:
    """Path of a setting in a recipe (as in recipe.json) -> its description; settings of outside code have none, and do not run.

    >>> descriptions({"latent": {"size": 100}})[("latent", "size")]
    'Numbers in one latent.'
    """
    found = _of(Recipe, ())
    for name, part in _PARTS.items():
        found |= _of(part, (name,))
    for name in _names(recipe, "penalties"):
        found |= _of(Penalty, ("penalties", name))
    for name in _names(recipe, "augmentations"):
        found |= _of(Augmentation, ("augmentations", name))
    for name in _names(recipe, "players"):
        place = ("players", name)
        found |= _of(Player, place) | _of(Adam, (*place, "optimiser")) | _of(Ema, (*place, "ema"))
        found |= _of(History, (*place, "history")) | _of(Lookahead, (*place, "lookahead"))
        found |= _of_network(recipe["players"][name], (*place, "network"))
    return found


def _of(settings: type[BaseModel], place: Path) -> dict[Path, str]:
    return {(*place, name): field.description for name, field in settings.model_fields.items() if field.description}


def _names(recipe: dict[str, Any], part: str) -> list[str]:
    inside = recipe.get(part)
    return list(inside) if isinstance(inside, dict) else []


def _of_network(player: Any, place: Path) -> dict[Path, str]:
    network = player.get("network") if isinstance(player, dict) else None
    if not isinstance(network, dict) or find.is_outside(str(network.get("name"))):
        return {}
    try:
        settings = find.attribute(find.load("networks", str(network.get("name"))), str(network.get("role")))
    except MulliganError:
        return {}  # of a version that had this network
    return _of(settings, place) if isinstance(settings, type) and issubclass(settings, BaseModel) else {}
