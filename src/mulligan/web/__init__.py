"""The page and the API of a model: `mulligan serve`. Needs the extra `web`."""
