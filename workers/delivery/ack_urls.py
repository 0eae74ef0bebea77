"""Makes the address at which a target may acknowledge its attempt."""

from functools import cached_property

from models.accounts import session_store
from models.accounts.ack_tokens import Attempted, token_of
from models.jobs.lifecycle import ClaimedJob
from workers.transport.outcome import Blocked


class AckUrls:
    """`of` in threads that are connected to the database. `own_url`: where targets reach the API; empty: nobody has
    said."""

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
