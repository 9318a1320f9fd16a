"""The service on Ray Serve: `numeral serve --engine ray`. Ray itself is the extra `scale`."""
