"""What callers may know of a field; export decodes with it too, so it stands with the models."""

from models.fields.constraints import LONGEST, Checksum, Constraints

__all__ = ["LONGEST", "Checksum", "Constraints"]
