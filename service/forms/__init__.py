"""Forms and tables: a picture of a page to the values of its fields."""
