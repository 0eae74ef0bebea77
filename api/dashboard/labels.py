"""Owns the words in which pages tell what tables hold in codes, and what a page says after a form was taken. Pure."""

from api.dashboard.blueprint import pages

NOTES = {  # what a page says after a form was taken
    "created": "The job is ordered.",
    "cancelled": "Cancelled.",
    "final": "It had ended already; nothing was changed.",
    "again": "Ordered again.",
    "nothing": "Nothing was chosen.",
    "revoked": "The key is revoked. Whoever used it is refused within a second.",
    "saved": "Saved.",
    "deleted": "Deleted.",
    "enabled": "Enabled. The next run is planned.",
    "disabled": "Disabled. What was waiting is cancelled.",
    "fired": "Run ordered now.",
    "retired": "Retired.",
    "bulk_cancelled": "What was chosen and had not ended is cancelled.",
    "bulk_again": "What was chosen is ordered again.",
}
STATUSES = {  # what came of an instant of a schedule, in words
    "fired": "ran",
    "late": "ran late",
    "skipped_overlap": "left out: the one before was still under way",
    "skipped_misfire": "missed, and left so by its policy",
    "missed_down": "missed, and noticed too late",
    "disabled": "the schedule was disabled",
    "cancelled": "cancelled",
}
MEMBERS = {"next_at": "next try", "elapsed_ms": "took, ms"}


@pages.app_template_global("note_text")
def note_text(word: str) -> str:
    """What the page says after a form was taken; nothing for a word that is not ours."""
    return NOTES.get(word, "")


@pages.app_template_filter("status_words")
def status_words(status: str) -> str:
    return STATUSES.get(status, status)


@pages.app_template_filter("member")
def member(name: str) -> str:
    """How a line of the log calls a member of an entry."""
    return MEMBERS.get(name, name)
