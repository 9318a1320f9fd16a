"""The command `python -m benchmarks.soak`: what the service does when it is treated badly."""
