"""How fast the service answers ordinary pictures, and what a request costs its server."""
