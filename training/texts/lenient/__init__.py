"""Makers of texts of the lenient dialect: valid, and refused."""
