"""Fitting an adapter: recipes, batches, the trainer, and examples worth dwelling on."""
