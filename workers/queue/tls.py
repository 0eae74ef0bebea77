"""Makes the TLS context for RabbitMQ from the files that the settings name, and says what to do where TLS fails.

The name of the host is always checked.
"""

import ssl
from pathlib import Path

from runtime.settings import Settings, SettingsError

URL = "BOOPER_BROKER_URL"
CA, CERT, KEY = "BOOPER_BROKER_CA_FILE", "BOOPER_BROKER_CERT_FILE", "BOOPER_BROKER_KEY_FILE"
# With TLS 1.3 a server judges our certificate after we count the connection as made, so its reason may not reach us.
SHOW_ONE = f"if it asks for a certificate, set {CERT} and {KEY} to one of its CA that has not expired"
CUT = f"RabbitMQ ended the TLS connection without a reason: {SHOW_ONE}"
ADVICE = {
    "certificate is not valid for": (
        f"RabbitMQ's certificate is for another name: use that name in {URL}, or renew the certificate"
    ),
    "certificate has expired": "renew the certificate of RabbitMQ",
    "ALERT_CERTIFICATE_EXPIRED": f"the certificate of {CERT} has expired: renew it",
    "CERTIFICATE_VERIFY_FAILED": f"name the file of the CA that signed RabbitMQ's certificate in {CA}",
    "CERTIFICATE_REQUIRED": f"RabbitMQ asks for a certificate: set {CERT} and {KEY}",
    "SSLEOFError": CUT,
    # Under Python 3.11.2 this is also all that is known of a TLS connection that was cut.
    "IncompatibleProtocolError": f"what listens at {URL} is no RabbitMQ, or it ended the connection: {SHOW_ONE}",
    "WRONG_VERSION_NUMBER": f"this port of {URL} speaks no TLS: RabbitMQ's for amqps:// is usually 5671",
}


def context(settings: Settings) -> ssl.SSLContext:
    """Trusts the CA of the settings alone, or else those of this machine. Raises SettingsError for a file that can't be
    used; the message says which, and why."""
    ca, cert, key = settings.broker_ca_file, settings.broker_cert_file, settings.broker_key_file
    if bool(cert) != bool(key):
        raise SettingsError(f"{CERT} and {KEY} must be set together, got {CERT if cert else KEY} alone")
    for name, path in ((CA, ca), (CERT, cert), (KEY, key)):
        _read(name, path)
    try:
        made = ssl.create_default_context(cafile=ca or None)
    except OSError:
        raise SettingsError(f"{CA} must be certificates in PEM form, got {ca} with something else") from None
    if cert:
        _show(made, cert, key)
    return made


def _read(name: str, path: str) -> None:
    try:
        if path:
            Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(f"{name} must be a file that can be read, got {path} ({error.strerror})") from None


def _show(made: ssl.SSLContext, cert: str, key: str) -> None:
    """Have the context show this certificate."""
    try:
        made.load_cert_chain(cert, key, password=_no_passphrase)
    except (OSError, ValueError) as error:
        raise SettingsError(_why_not_shown(error, cert, key)) from None


def _why_not_shown(error: OSError | ValueError, cert: str, key: str) -> str:
    if isinstance(error, ValueError):
        return f"{KEY} must be a key without a passphrase, got {key} with one"
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return f"{CERT} and {KEY} must belong together, but {key} is not the key of {cert}"
    if _has_certificates(cert):
        return f"{KEY} must be a private key in PEM form, got {key} with something else"
    return f"{CERT} must be a certificate in PEM form, got {cert} with something else"


def _has_certificates(path: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except OSError:
        return False
    return True


def _no_passphrase() -> str:
    """OpenSSL would ask on the terminal."""
    raise ValueError


def advice(error: Exception) -> str:
    """What the operator can do where TLS failed; empty for other errors."""
    return next((text for mark, text in ADVICE.items() if mark in repr(error)), "")
