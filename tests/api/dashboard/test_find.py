"""The search: where an id and words lead, what is shown while somebody types, and what stays hidden."""

import pytest

from tests.support.rows import make_job

SVG = "<svg/onload=alert(1)>"


def test_an_id_leads_to_its_job(alice):
    job = make_job(alice.account)

    for typed in (job.uuid, str(job.id), f" {job.uuid.upper()} "):
        assert alice.get("/find", query_string={"q": typed}).location == f"/jobs/{job.uuid}"
        assert f'href="/jobs/{job.uuid}"' in alice.get("/find/results", query_string={"q": typed}).text


def test_the_id_of_anothers_job_leads_nowhere(alice, bob):
    job = make_job(bob.account)

    assert alice.get(f"/find?q={job.uuid}").location == f"/jobs?text={job.uuid}"
    assert f"/jobs/{job.uuid}" not in alice.get(f"/find/results?q={job.uuid}").text


def test_words_lead_to_the_list_that_they_restrict(alice):
    answer = alice.get("/find", query_string={"q": "state:failed host:example.com pay"})

    assert (answer.status_code, answer.location) == (303, "/jobs?state=discarded&host=example.com&text=pay")


def test_jobs_are_shown_while_somebody_types(alice, bob):
    mine = make_job(alice.account, args='{"method": "post", "url": "https://example.com/invoices"}')
    other = make_job(alice.account, args='{"method": "post", "url": "https://example.com/mails"}')
    strangers = make_job(bob.account, args='{"method": "post", "url": "https://example.com/invoices"}')

    text = alice.get("/find/results?q=invoic").text

    assert mine.uuid in text
    assert (other.uuid in text, strangers.uuid in text) == (False, False)
    assert 'href="/jobs?text=invoic"' in text


@pytest.mark.parametrize("path", ["/find", "/find/results"])
@pytest.mark.parametrize("typed", [f"x:{SVG}", f"after:{SVG}", SVG, "\x00", "\ud800", "x" * 5000, "'", '"'])
def test_what_is_typed_is_text_and_no_fault(alice, path, typed):
    answer = alice.get(path, query_string={"q": typed.encode("utf-8", "surrogatepass")})

    assert answer.status_code in (200, 303, 422)
    assert SVG not in answer.text


def test_a_wrong_word_is_told_on_the_page(alice):
    answer = alice.get("/find?q=stat:failed")

    assert answer.status_code == 422
    assert "unknown word stat: must be one of" in answer.text
    assert 'value="stat:failed"' in answer.text


def test_without_words_the_page_says_what_can_be_searched_for(alice):
    assert "What can be searched for" in alice.get("/find").text
