"""Training with Keras: data, architectures, recipes, runs."""
