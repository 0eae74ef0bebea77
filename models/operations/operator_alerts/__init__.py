"""Troubles of Booper itself, and the incidents of which its operator is notified."""
