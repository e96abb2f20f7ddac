"""Where samples come from, one file each: sets with a name, and what can be read by its path."""

SHARED = ("dataset", "download", "idx", "opening", "originals", "pictures", "progress", "scan")
