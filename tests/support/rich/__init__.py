"""A state of all tables that is rich in differences, and what an action makes of it, as text.

Everything in it stands still: the clock, the ids, the tokens and the chances. Both databases give the same text.
"""
