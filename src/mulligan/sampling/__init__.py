"""Saved models and what they make: the model folder, samples, latent walks and the model card. Nothing here needs the code that trains."""
