"""How a journey runs the product: processes, a client, a receiver and a broker, and the ledgers of all three.

`checker` judges the ledgers by numbered invariants. Nothing here imports the product; bench/ uses it too.
"""
