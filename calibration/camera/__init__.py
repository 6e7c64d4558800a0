"""Where a camera stands: a printed board, views of it, and the transform that explains them."""
