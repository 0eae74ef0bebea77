"""The pages of the dashboard, one module each; `navigation.py` lists them."""
