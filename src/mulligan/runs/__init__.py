"""The run folder: its layout, lock, checkpoints, history, curves and report. Nothing here knows how training works."""
