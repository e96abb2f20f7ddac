"""What one sample is, one file each: how raw data become what networks see, and how samples become files and pictures."""

SHARED = ("kind", "plots")
