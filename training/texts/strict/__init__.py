"""Makers of texts of the strict dialect: valid, and refused."""
