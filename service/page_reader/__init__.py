"""A program that decodes a page of a document, in a process of its own."""
