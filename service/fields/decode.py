"""The decoder; export calibrates what it says, so it stands with the models."""

from models.fields.decode import ALTERNATIVES, BEAMS, Hypothesis, decode

__all__ = ["ALTERNATIVES", "BEAMS", "Hypothesis", "decode"]
