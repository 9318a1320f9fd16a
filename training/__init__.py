"""Keras: MNIST, the architectures, the recipes, and the runs that train them."""
