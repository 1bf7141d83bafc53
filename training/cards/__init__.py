"""The parts of a model card, each written from an adapter folder's records."""
