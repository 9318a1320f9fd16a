"""Damaged request bodies, guided by coverage (atheris)."""
