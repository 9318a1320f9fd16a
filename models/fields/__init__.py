"""Decoding of fields, used by export and service."""
