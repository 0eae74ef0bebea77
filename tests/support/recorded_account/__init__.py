"""The account of which the dashboard's pages are recorded: what it has, and which pages show it.

Each number, length of time, name and address in it differs from all others, so that two that are mistaken for each
other show. A twin, bob, has the same kinds of things, none of which may show.
"""
