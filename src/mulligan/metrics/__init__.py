"""Judging samples: features, distances and figures. They see arrays of samples, never networks that made them; torch only."""
