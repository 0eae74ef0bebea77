"""Owns an SMTP server on loopback that keeps what it takes (aiosmtpd), with or without TLS."""

import email
import email.policy

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Mailbox:
    """What the server took, and what it answers to recipients (None: it takes them)."""

    def __init__(self, refusal=None):
        self.mails, self.refusal, self.logins = [], refusal, []

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd calls it so
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"

    def log_in(self, server, session, envelope, mechanism, credentials):
        self.logins.append((credentials.login.decode(), credentials.password.decode()))
        return AuthResult(success=credentials.password == b"p@ss", handled=False)


class MailServer(Controller):
    """`url`: its address without a scheme."""

    def __init__(self, mailbox, tls=None, **options):
        if tls:
            options |= {"tls_context": tls, "require_starttls": True}
        super().__init__(
            mailbox, hostname="127.0.0.1", port=0, authenticator=mailbox.log_in, auth_require_tls=True, **options
        )
        self.mailbox = mailbox

    def start(self):
        super().start()
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def _trigger_server(self):
        """aiosmtpd connects to the port that it was told, which is 0."""
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
