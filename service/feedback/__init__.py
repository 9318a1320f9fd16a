"""Predictions and their right answers, recorded in a database beside the requests."""
