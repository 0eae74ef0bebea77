"""Bytes and fields in: reads and checks what a client sends."""
