"""Accounts, their API keys, and the sessions of the dashboard."""
