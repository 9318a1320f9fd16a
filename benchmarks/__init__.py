"""Measurements of the whole service, each one command that prints a table and writes JSON."""
