"""Where samples come from, one file each: sets with a name, and what can be read by its path.

`accepts(source)` says whether the source is meant, `load(request)` returns a `Dataset`. A file may also say of itself:

BY_PATH: True where sources are paths, not the name of the file.
JUDGE: name of the features in which samples like these are judged (mulligan.metrics.features), such as "digits"; without it images
    are judged in those of a random network, and all else in its coordinates.
"""

SHARED = ("dataset", "decoded", "decoding", "download", "idx", "opening", "originals", "pictures", "progress", "scan")
