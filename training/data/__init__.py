"""Training data: examples, the files they are kept in, and who draws them for each dialect."""
