"""Says why a target was not reached: gives an error the code that its owner may read."""

import errno
import socket
import ssl

NAME_UNKNOWN, NAME_FAILED = "name_unknown", "name_lookup_failed"
TIMED_OUT = "connection_timed_out"
TLS_FAILED = "tls_failed"
_CONNECTING = {
    errno.ECONNREFUSED: "connection_refused",
    errno.ECONNRESET: "connection_reset",
    errno.EHOSTUNREACH: "no_route",
    errno.ENETUNREACH: "no_route",
    errno.ETIMEDOUT: TIMED_OUT,
}
_LOOKING_UP = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
_CERTIFICATES = {  # OpenSSL's X509_V_ERR_…
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    18: "certificate_untrusted",
    19: "certificate_untrusted",
    20: "certificate_untrusted",
    21: "certificate_untrusted",
    62: "certificate_wrong_name",
    64: "certificate_wrong_name",
}


def of_lookup(error: Exception) -> str:
    return NAME_UNKNOWN if getattr(error, "errno", None) in _LOOKING_UP else NAME_FAILED


def of_connecting(error: OSError) -> str:
    return _CONNECTING.get(error.errno or 0, "connection_failed")


def of_tls(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATES.get(error.verify_code, "certificate_invalid")
    return TLS_FAILED
