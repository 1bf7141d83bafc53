"""Makers of texts whose meaning is known; outside the package that decodes them."""
