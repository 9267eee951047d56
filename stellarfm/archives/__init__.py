"""Where tables come from, and the landing that keeps them."""
