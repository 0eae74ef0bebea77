"""Tells which addresses are this machine's: where Booper itself listens, and which lead back here."""

import socket


def own_addresses(host: str, port: int) -> frozenset[tuple[str, int]]:
    """Where this server itself listens: the host's addresses, each with the port."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return frozenset((str(address[0]), port) for *_, address in addresses)


def is_local(ip: str) -> bool:
    """Whether an address is one of this machine's: a datagram socket can be bound to it (nothing is sent)."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((ip, 0))
    except OSError:
        return False
    return True
