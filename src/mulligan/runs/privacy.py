"""What leaves a run folder holds no path, user or host: texts for the report go through here."""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath

_SHORTEST = 4  # characters; a folder such as `/` or `a` is no secret, and replacing it would spoil the text
_PATH = re.compile(r"(?<![\w./:~\\-])(?:[A-Za-z]:[/\\]|~[\w-]*[/\\]|\.{0,2}[/\\])[^\s'\"<>|,;]*")


def last_part(path: str) -> str:
    r"""The last part of a path of any system; a name that is no path stays as it is.

    >>> last_part("/home/me/photos/"), last_part(r"C:\Users\me\points.csv"), last_part("digits")
    ('photos', 'points.csv', 'digits')
    """
    kind = PureWindowsPath if "\\" in path or re.match(r"[A-Za-z]:/", path) else PurePosixPath
    return kind(path).name or ("folder" if re.search(r"[/\\.~]", path) else path)


def public(text: str, private: Iterable[str] = ()) -> str:
    """A text without paths: each is cut down to its last part.

    private: texts known to be paths, which are replaced even where they hold spaces.

    >>> public("penalty /home/me/p.py:mine, see https://arxiv.org/abs/1406.2661 (CC BY/SA)")
    'penalty p.py:mine, see https://arxiv.org/abs/1406.2661 (CC BY/SA)'
    """
    for path in sorted({path for path in private if len(path) >= _SHORTEST and re.search(r"[/\\]", path)}, key=len, reverse=True):
        text = text.replace(path, last_part(path))
    return _PATH.sub(lambda found: last_part(found[0]), text)


def local_paths(folder: Path) -> list[str]:
    """Paths of this machine that could have slipped into a text: those around a run folder, and the user's home."""
    here = folder.resolve()
    paths = [here, *here.parents, Path.cwd()]
    with suppress(RuntimeError):  # a user without a home
        paths.append(Path.home())
    return [str(path) for path in paths]
