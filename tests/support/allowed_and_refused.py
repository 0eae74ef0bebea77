"""Why requests that the OpenAPI document allows are refused all the same: what no schema of it can say."""

import re

CAUSES = {  # a pattern of what is said of a field: why the document can't say it
    # It depends on what there is, or on the moment.
    r"must be a cursor that an answer gave": "a cursor is opaque",
    r"must be the id or the key of a schedule": "the schedule has to be there",
    r"must be the name of a group of this account": "the group has to be there",
    r"must be names of calendars of this account": "the calendar has to be there",
    r"must be absent where BOOPER_SMTP_URL is not set": "the operator decides",
    r"must be absent where BOOPER_PUBLIC_URLS is not set": "the operator decides",
    r"must be an https URL, got one (without a scheme|of another)": "the operator decides which schemes are allowed",
    r"must be at most 366 days ahead": "the horizon moves with the clock",
    r"in the future, got": "the clock decides",
    r"must be less than \d+, the number of targets": "the number of targets decides",
    r"with a year from 1970 to 8999": "a text of a pattern has no bounds",
    r"must have a host of at most \d+ characters": "a text of a format has no bounds",
    r"must be a date and time, or a Unix timestamp, got": "a text of a pattern has no bounds",
    r"must leave a range ": "the schedule decides",
    r"must leave the schedule at least one instant": "the schedule decides",
    r"must be at least 1 seconds": "a setting decides",
    # A text or a pair may spell a length of time that a number could not have.
    r"must be a duration from ": "a text has no bounds",
    r"must be from 1 to \d+ seconds": "a text has no bounds",
    r"must be a number of seconds from 0 (to|up)": "a text has no bounds",
    r"must be at most \d+ days": "a text has no bounds",
    # One member decides about another; generated clients don't understand such a schema.
    r"must be absent when \w+( or \w+)? is given": "of two there may be one",
    r"must be absent when a (cursor|filter) is given": "of two there may be one",
    r"must be absent(: follow the cursor| with this filter)": "of two there may be one",
    r"must be by inserted_at with this filter": "the filter decides about the order",
    r"must be absent without (repeat_every or cron|cron)": "only a schedule has it",
    r"must be given, or (cron|repeat_every)": "one of two has to be there",
    r"must be an https URL, got nothing": "one of url and group has to be there",
    r"must be there when error is not": "one of two has to be there",
    r"must be given with (rate|per), got nothing": "null counts as absent",
    r"must leave something out, or come with": "an empty filter needs `all`",
    r"must be (request|one of [a-z, ]+) here": "the operation decides about the filter",
    r"must differ from `from`": "two members are compared",
    r"must not be before from": "two members are compared",
    r"must be given once, got it again in another case": "names of headers have no case",
    r"must be absent without callback_url": "a change may name the address, or the job has it",
    r"must be another for each target": "the members of a list are compared",
    r"must not end before it begins": "two members are compared",
    r"must name days up to the year \d+": "a text has no bounds",
}
CONFLICTS = {  # of an operation: why what there is does not allow it
    "create_endpoint": "as many as an account may have",
    "create_signing_key": "as many as an account may have",
    "create_alert": "as many as an account may have",
    "run_job_now": "the state of the job",
    "change_job": "the state of the job",
    "retry_job": "the state of the job",
    "delete_job": "the state of the job",
    "delete_calendar": "a schedule names it",
    "cancel_jobs": "so many operations are under way",
    "retry_jobs": "so many operations are under way",
    "delete_jobs": "so many operations are under way",
    "send_test": "so many an hour",
    "backfill_schedule": "another one is running",
}


def causes_of(operation, answer):
    """The causes of a refusal, by what is said of each field; of what has none, None."""
    error = answer.json["error"]
    if answer.status_code == 404:
        return {"404": "there is nothing of this name"}
    if answer.status_code in (409, 429):
        return {operation: CONFLICTS.get(operation)}
    texts = [(f"{field}: {text}", text) for field, texts in error["errors"].items() for text in texts]
    return {
        shown: next((why for pattern, why in CAUSES.items() if re.search(pattern, text)), None) for shown, text in texts
    }
