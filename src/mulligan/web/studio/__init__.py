"""The studio: runs, a run as it trains, its samples, and a laboratory of points, as pages of a local server."""
