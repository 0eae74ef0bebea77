"""What the API answers, as objects with fields."""
