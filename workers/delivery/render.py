"""Renders a claimed job as the request or the e-mail that is sent. Pure, but for the secret of acknowledgements."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cached_property, lru_cache
from typing import Any

from models.accounts import session_store
from models.accounts.ack_tokens import Attempted, token_of
from models.alerts.ways import MAILTO
from models.jobs.job_json import compact, with_member
from models.jobs.job_kinds import ALERT, CHANNEL, is_follow_up
from models.jobs.lifecycle import ClaimedJob
from models.rules import clock, templating
from models.rules.clock import SECOND
from models.rules.query_strings import with_query
from models.rules.signatures import headers_for
from models.rules.times import format_instant
from models.webhooks.delivery_config import NONE, DeliveryConfig
from workers.transport.outcome import Blocked
from workers.transport.wire_format import Request


class AckUrls:
    """Makes the addresses at which targets may acknowledge their attempts: `of`, in threads that are connected to the
    database. `own_url`: where targets reach the API; empty: nobody has said."""

    def __init__(self, own_url: str) -> None:
        self._own_url = own_url

    def of(self, job: ClaimedJob) -> str:
        """The address for this claim of the job; Blocked where targets reach no API: the work would be done in vain."""
        if not self._own_url:
            raise Blocked("invalid_request", "this process has no BOOPER_PUBLIC_URLS, so no target could acknowledge")
        return f"{self._own_url}/api/acks/{token_of(Attempted(job.id, job.claim_id), self._secret)}"

    @cached_property
    def _secret(self) -> str:
        return session_store.session_secret()


NOWHERE = AckUrls("")
NO_TARGET = ("", None)


def render_request(job: ClaimedJob, config: DeliveryConfig = NONE, acks: AckUrls = NOWHERE) -> Request:
    """The request of this attempt, signed if the account has a key. The client's headers win over ours, except for the
    `Booper-` ones and the signature. `acks`: where targets acknowledge."""
    args = arguments_of(job)
    body = body_of(job)
    if job.kind == ALERT:
        body = with_secret(body, alert_target_of(args, config)[1])
    headers = headers_of(job, args.get("headers") or {})
    if job.ack_within_us is not None:
        headers["Booper-Ack-Url"] = acks.of(job)
    signed = headers_for(config.secrets_at(job.attempted_at), job.uuid, job.attempted_at // SECOND, body or b"")
    return Request(
        method=args.get("method", "get").upper(),
        url=url_of(job, args, config),
        headers=headers | signed,
        body=body,
        timeout_ms=job.timeout_ms,
        owner=-job.account_id if is_follow_up(job.kind) else job.account_id,  # each has lookup threads of its own
        starts_at_ns=None if job.start is None else time.monotonic_ns() + (job.start.at - clock.now()) * 1000,
    )


def mail_address_of(job: ClaimedJob, config: DeliveryConfig) -> str | None:
    """Where the e-mail goes; None: the job sends none."""
    if job.kind != ALERT:
        return None
    url = url_of(job, arguments_of(job), config)
    return url.removeprefix(MAILTO) if url.startswith(MAILTO) else None


def render_mail(job: ClaimedJob, address: str, sender: str) -> EmailMessage:
    """The e-mail of this job. Its Message-ID is the same in every attempt, so that a second copy is recognized."""
    return mail_of(json.loads(job.body or b"{}"), address, sender, job.uuid, job.attempted_at)


def mail_of(parts: Mapping[str, str], address: str, sender: str, mail_id: str, now: int) -> EmailMessage:
    """An e-mail of `subject`, `text` and `html`."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, address, parts["subject"]
    mail["Date"] = format_datetime(datetime.fromtimestamp(now / SECOND, UTC))
    mail["Message-ID"] = f"<{mail_id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(parts["text"])
    mail.add_alternative(parts["html"], subtype="html")
    return mail


def arguments_of(job: ClaimedJob) -> dict[str, Any]:
    """The fields of the request that the client asked for. Do not change them: the recorder gets the same object."""
    return _read(job.args)


@lru_cache(maxsize=512)
def _read(args: str) -> dict[str, Any]:
    """Cached from the sending of a request until its recording."""
    return dict(json.loads(args))


def url_of(job: ClaimedJob, args: dict[str, Any], config: DeliveryConfig) -> str:
    """The URL with its query. A message to a channel goes to the channel's secret URL; if the channel was removed, to
    an empty URL, which is refused; so with the target of an alert. An event goes to the present URL of its endpoint."""
    if job.kind == CHANNEL:
        return config.channels.get(args.get("channel", ""), "")
    if job.kind == ALERT:
        return alert_target_of(args, config)[0]
    if job.endpoint_id is not None:
        return config.url_of(job.endpoint_id) or str(args["url"])
    return with_query(args["url"], args.get("query"))


def alert_target_of(args: dict[str, Any], config: DeliveryConfig) -> tuple[str, str | None]:
    """The URL and the secret of the target of an alert; an empty URL if the target was removed."""
    return config.targets.get(args.get("target", 0), NO_TARGET)


def body_of(job: ClaimedJob) -> bytes | None:
    """The bytes to send, as the client wrote them. A JSON object that a schedule sends gets its dynamic fields; raises
    Blocked when they make it too large."""
    if job.memory is None or job.content_type != "application/json" or not job.body:
        return job.body
    body = json.loads(job.body)
    if not isinstance(body, dict):
        return job.body
    previous = json.loads(job.memory.previous) if job.memory.previous else {}
    try:
        return templating.render(body, job.id, previous, json.loads(job.memory.state)).encode()
    except templating.TooLarge as error:
        raise Blocked("body_too_large", str(error)) from None


def with_secret(body: bytes | None, secret: str | None) -> bytes | None:
    """The body of a message with the key that PagerDuty wants in it; no job holds the key."""
    if secret is None or body is None:
        return body
    return with_member(body.decode(), "routing_key", compact(secret)).encode()


def headers_of(job: ClaimedJob, client_headers: dict[str, Any]) -> dict[str, str]:
    """The client's headers and ours. `Idempotency-Key` is the same in every attempt of the job. A job of a schedule
    carries its own instant, however late it was made."""
    headers = {name: str(value) for name, value in client_headers.items()}
    named = {name.lower() for name in headers}
    if job.content_type and "content-type" not in named:
        headers["Content-Type"] = job.content_type
    if "idempotency-key" not in named:
        headers["Idempotency-Key"] = job.uuid
    headers["Booper-Job-Id"] = job.uuid
    headers["Booper-Attempt"] = str(job.attempt)
    headers["Booper-Hop"] = str(job.hops + 1)
    headers["Booper-Scheduled-At"] = format_instant(job.scheduled_at if job.fire_at is None else job.fire_at)
    return headers
