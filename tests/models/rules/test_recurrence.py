"""When schedules are due: against an independent oracle, on the days when clocks change, and what is refused."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from models.rules.bounds import UNBOUNDED
from models.rules.clock import DAY, HOUR, MINUTE, SECOND
from models.rules.recurrence import (
    CronRefused,
    Frequency,
    Instants,
    between,
    check_cron,
    description,
    is_zone,
    next_after,
    shortest_gap_s,
)
from tests.support.cron_oracle import DAYS, MONTHS, RANGES, Stretch, changes, day_fits, values
from tests.support.random_bounds import random_bounds
from tests.support.schedule_scale import cases

CASES = cases(600, 10_000)
FIELDS_APART = cases(120, 3000)
CASES_IN_A_STRETCH = 40
ZONES = [  # clocks that change by an hour, by half an hour, by two, at midnight, by a whole day, and not at all
    *("America/New_York", "Europe/Berlin", "Europe/London", "Australia/Lord_Howe", "Pacific/Auckland"),
    *("America/Havana", "America/Santiago", "Asia/Beirut", "Africa/Casablanca", "America/St_Johns"),
    *("Pacific/Chatham", "Antarctica/Troll", "America/Sao_Paulo", "Asia/Tehran", "Asia/Kolkata", "UTC"),
]


def micros(moment):
    return int(moment.timestamp()) * SECOND


def at(text):
    return micros(datetime.fromisoformat(text).replace(tzinfo=UTC))


def texts(instants):
    return [datetime.fromtimestamp(instant // SECOND, UTC).isoformat() for instant in instants]


def minute_text(instant):
    return datetime.fromtimestamp(instant // SECOND, UTC).strftime("%Y-%m-%dT%H:%M")


def random_field(chance, field):
    low, high = RANGES[field]
    names = {3: MONTHS, 4: DAYS}.get(field)
    first = chance.randint(low, high)
    last = chance.randint(first, high)
    forms = [
        "*",
        f"*/{chance.randint(1, high)}",
        str(first),
        str(first),
        f"{first}-{last}",
        f"{first}/{chance.choice([2, 5, 15])}",
    ]
    forms += [f"{first}-{last}/{chance.randint(1, 9)}", f"{first},{last}", f"{low},{first}-{last}"]
    if names:
        forms += [chance.choice(names), chance.choice(names).upper(), "*", "*"]
    if field == 2:
        forms += ["L", "LW", f"{first},L", f"{first}W", f"{last}W", f"{first}W,{last}", f"*/{first},{last}W"]
    if field == 4:
        forms += [f"{first}L", f"{chance.choice(DAYS)}#{chance.randint(1, 5)}", f"{first}#{chance.randint(1, 5)}"]
    return chance.choice(forms)


def random_cron(chance, local):
    """Mostly near the hour and the date of a stretch, so that something is due in it."""
    minute, hour = random_field(chance, 0), random_field(chance, 1)
    if chance.random() < 0.6:
        hour = str((local.hour + chance.randint(-2, 2)) % 24)
    if minute.startswith("*") and hour.startswith("*") and chance.random() < 0.8:
        minute = str(chance.randint(0, 59))
    days = ["*", "*", str(local.day), random_field(chance, 2)]
    months = ["*", "*", str(local.month), random_field(chance, 3)]
    fields = [minute, hour, chance.choice(days), chance.choice(months), chance.choice(["*", random_field(chance, 4)])]
    return " ".join([*random_second(chance, minute, hour), *fields])


def random_second(chance, minute, hour):
    """The sixth field, of some. Every second is due only in few minutes, which are looked at one by one."""
    first, last = sorted((chance.randint(0, 59), chance.randint(0, 59)))
    forms = ["*", f"*/{first + 1}", f"{first}-{last}/5"] if minute.isdigit() and hour.isdigit() else []
    return chance.choice([[], [], [], ["0"], [str(first)], [f"{first},{last}"], *[[form] for form in forms]])


def stretches(chance):
    """Stretches of three days, most of them around a change of the clock."""
    while True:
        zone, year = chance.choice(ZONES), chance.randint(2004, 2037)
        days = changes(zone, year) or [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=chance.randint(0, 364))]
        if chance.random() < 0.2:
            days = [datetime(year, chance.choice([2, 12]), 28, tzinfo=UTC)]
        for day in days[:4]:
            yield Stretch(zone, day - timedelta(days=1), day + timedelta(days=2))


def ours(expression, stretch, first, last, bounds=UNBOUNDED):
    frequency = Frequency(cron=expression, timezone=stretch.zone, bounds=bounds)
    # What comes seldom is looked for from far away, so that the way to it is tried too.
    seldom = all(field.isdigit() for field in expression.split()[-5:-1])
    instant = next_after(frequency, micros(first) - (300 * DAY if seldom else 1))
    instants = []
    while instant is not None and instant <= micros(last):
        instants += [instant] if instant >= micros(first) else []
        instant = next_after(frequency, instant)
    return instants


def test_random_cases_are_due_as_an_independent_reading_says():
    chance = random.Random(20261124)
    looked_at = due = 0

    for stretch in stretches(chance):
        first, last = stretch.first + timedelta(hours=18), stretch.last - timedelta(hours=18)
        local = stretch.local[len(stretch.local) // 2]
        for _ in range(CASES_IN_A_STRETCH):
            expression = random_cron(chance, local)
            try:
                check_cron(expression)
            except CronRefused:
                continue
            bounds, fits = random_bounds(chance, micros(first), micros(last), stretch.zone)
            if chance.random() < 0.5:
                bounds, fits = UNBOUNDED, lambda _: True
            moments = [micros(moment) for moment in stretch.due(expression) if first <= moment <= last]
            wanted = [instant for instant in moments if fits(instant)]
            assert texts(ours(expression, stretch, first, last, bounds)) == texts(wanted), (
                expression,
                bounds,
                stretch.zone,
                stretch.first,
            )
            looked_at, due = looked_at + 1, due + len(wanted)
        if looked_at >= CASES:
            break

    assert due > looked_at  # it is not all about nothing


@pytest.mark.parametrize("zone", ZONES[:10])
@pytest.mark.parametrize("expression", ["30 2 * * *", "0 0 * * *", "15 */1 * * *", "*/30 1-3 * * *", "0,30 0-4 * * *"])
def test_both_days_of_a_zone_s_change_agree_with_the_oracle(zone, expression):
    """Both days of a zone's change are as the independent reading says."""
    days = [day for year in (2010, 2026) for day in changes(zone, year)]
    assert days
    for day in days:
        stretch = Stretch(zone, day - timedelta(days=1), day + timedelta(days=2))
        first, last = stretch.first + timedelta(hours=6), stretch.last - timedelta(hours=6)
        wanted = [micros(moment) for moment in stretch.due(expression) if first <= moment <= last]
        assert ours(expression, stretch, first, last) == wanted


def test_a_date_that_a_zone_left_out_is_due_after_it():
    # Samoa went from 29 to 31 December 2011.
    """A date that a zone left out is due at the first instant after it."""
    frequency = Frequency(cron="0 9 30 12 *", timezone="Pacific/Apia")
    assert minute_text(next_after(frequency, at("2011-12-01T00:00"))) == "2011-12-30T10:00"


@pytest.mark.parametrize(
    ("zone", "expression", "start", "wanted"),
    [
        ("America/New_York", "30 2 * * *", "2026-03-08T00:00", ["2026-03-08T07:00", "2026-03-09T06:30"]),
        ("America/New_York", "30 1 * * *", "2026-11-01T00:00", ["2026-11-01T05:30", "2026-11-02T06:30"]),
        ("America/New_York", "30 * * * *", "2026-11-01T05:00", ["2026-11-01T05:30", "2026-11-01T06:30"]),
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00", ["2026-10-03T15:30", "2026-10-04T15:15"]),
        ("Australia/Lord_Howe", "*/15 2 * * *", "2026-04-04T15:05", ["2026-04-04T15:30", "2026-04-04T15:45"]),
        ("UTC", "0 0 29 2 *", "2026-01-01T00:00", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("UTC", "0 9 15W * *", "2026-08-01T00:00", ["2026-08-14T09:00", "2026-09-15T09:00"]),  # a Saturday
        ("UTC", "0 9 1W * *", "2026-07-20T00:00", ["2026-08-03T09:00", "2026-09-01T09:00"]),  # not in July
        ("UTC", "0 9 31W * *", "2026-05-02T00:00", ["2026-05-29T09:00", "2026-07-31T09:00"]),  # a Sunday; none in June
        ("UTC", "0 0 1 1 0", "2026-01-02T00:00", ["2026-01-04T00:00", "2026-01-11T00:00"]),
    ],
)
def test_known_days(zone, expression, start, wanted):
    frequency = Frequency(cron=expression, timezone=zone)
    first = next_after(frequency, at(start))
    assert [minute_text(first), minute_text(next_after(frequency, first))] == wanted


def test_an_instant_of_the_second_hour_is_not_followed_by_the_first():
    """An instant inside the second hour is not followed by one of the first."""
    frequency = Frequency(cron="30 1 * * *", timezone="America/New_York")
    assert minute_text(next_after(frequency, at("2026-11-01T06:10"))) == "2026-11-02T06:30"


def test_intervals_are_measured_from_the_instant():
    assert next_after(Frequency(every_us=90 * SECOND), 7) == 7 + 90 * SECOND


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("* * * *", "the five fields"),
        ("* * * * * * *", "the five fields"),
        ("60 * * * * *", "a second within its range"),
        ("MON * * * * *", "a second of numbers"),
        ("0 0 0 31 2 *", "day 31 of month 2"),
        ("0 0 31W 2 *", "comes within 50 years"),
        ("* * 0W * *", "numbers, ranges, steps and names"),
        ("* * 32W * *", "numbers, ranges, steps and names"),
        ("* * 1-5W * *", "numbers, ranges, steps and names"),
        ("* * W * *", "numbers, ranges, steps and names"),
        ("15W * * * *", "numbers, ranges, steps and names"),
        ("* * * * 5W", "numbers, ranges, steps and names"),
        ("", "the five fields"),
        ("0 9 * *\n1", "the five fields"),
        ("0 9 *\u00a0* 1", "the five fields"),
        ("@reboot", "the five fields"),
        ("@every 5m", "the five fields"),
        ("*/0 * * * *", "a minute within its range"),
        ("60 * * * *", "a minute within its range"),
        ("* 24 * * *", "a hour within its range"),
        ("* * 0 * *", "a day of the month within its range"),
        ("* * * 13 *", "a month within its range"),
        ("* * * * 8", "a day of the week within its range"),
        ("* * * * sat-sun", "a day of the week within its range"),
        ("0 0 30 2 *", "day 30 of month 2"),
        ("0 0 31 4,6,9,11 *", "day 31 of month 4,6,9,11"),
        ("L * * * *", "numbers, ranges, steps and names"),
        ("* * L/2 * *", "numbers, ranges, steps and names"),
        ("* * * * L", "numbers, ranges, steps and names"),
        ("* * * * 8L", "numbers, ranges, steps and names"),
        ("* * * * 1#6", "numbers, ranges, steps and names"),
        ("* * * * jan#1", "numbers, ranges, steps and names"),
        ("* * ? * *", "numbers, ranges, steps and names"),
        ("H * * * *", "numbers, ranges, steps and names"),
        ("jan * * * *", "numbers, ranges, steps and names"),
        ("-1 * * * *", "numbers, ranges, steps and names"),
        ("1, * * * *", "numbers, ranges, steps and names"),
        ("\uff11 * * * *", "numbers, ranges, steps and names"),
        ("*\x00 * * * *", "numbers, ranges, steps and names"),
        (",".join(["1"] * 5000) + " * * * *", "the five fields"),
    ],
)
def test_what_is_no_cron_expression_is_refused_with_the_reason(text, reason):
    with pytest.raises(CronRefused, match="^must ") as refused:
        check_cron(text)
    assert reason in str(refused.value)
    assert ", got " in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "@daily",
        "0 0 31 2 1",
        "0 9 * JAN-mar MON",
        "5/15 * * * *",
        "0 0 29 2 */7",
        "0 0 * * 7",
        "0 0 L,lw * 5L,Mon#1,0#5",
        "0 0 15W,1w,LW * *",
        "30 0 9 * * *",
        "*/10 * * 15W * *",
    ],
)
def test_what_is_a_cron_expression_is_taken(text):
    assert check_cron(text) == text


@pytest.mark.parametrize(
    ("text", "usual"),
    [
        ("@midnight", "@daily"),
        ("@annually", "@yearly"),
        ("@Hourly", "0 * * * *"),
        (" @weekly ", "0 0 * * 0"),
        ("0\t9 \t* * 1", "0 9 * * 1"),
        (" 0 9 * * 1\t", "0 9 * * 1"),
    ],
)
def test_a5_an_expression_in_another_spelling_is_due_at_the_same_times(text, usual):
    start = at("2026-03-01T07:30")

    assert check_cron(text) == text
    assert next_after(Frequency(cron=text), start) == next_after(Frequency(cron=usual), start)
    assert description(Frequency(cron=text)) == description(Frequency(cron=usual))


def test_zones_are_those_of_the_database_by_their_exact_names():
    assert is_zone("Europe/Berlin")
    assert is_zone("UTC")
    for name in (
        "",
        "Europe",
        "europe/berlin",
        "../../etc/passwd",
        "/etc/localtime",
        "localtime",
        "Factory",
        "Mars/Olympus",
        "a\x00",
    ):
        assert not is_zone(name)


@pytest.mark.parametrize(
    ("cron", "seconds"),
    [
        ("* * * * *", 60),
        ("@daily", 60),
        ("30 * * * * *", 60),
        ("* * * * * *", 1),
        ("*/10 * * * * *", 10),
        ("0,20 * * * * *", 20),
        ("20,50 * * * * *", 30),
        ("5,50 * * * * *", 15),  # across the end of the minute
        ("10,59 0 9 * * 1", 11),
    ],
)
def test_the_shortest_gap_of_an_expression_is_that_between_two_of_its_seconds(cron, seconds):
    assert shortest_gap_s(cron) == seconds


SEVENTHS = "0, 7, 14, 21, 28, 35, 42, 49 and 56"


@pytest.mark.parametrize(
    ("frequency", "words"),
    [
        (Frequency(every_us=5 * MINUTE), "Every 5 minutes"),
        (Frequency(every_us=MINUTE), "Every minute"),
        (Frequency(every_us=HOUR), "Every hour"),
        (Frequency(every_us=36 * HOUR), "Every 36 hours"),
        (Frequency(every_us=DAY), "Every day"),
        (Frequency(every_us=8 * DAY), "Every 8 days"),
        (Frequency(every_us=7 * DAY), "Every week"),
        (Frequency(every_us=14 * DAY), "Every 2 weeks"),
        (Frequency(every_us=90 * SECOND), "Every 90 seconds"),
        (Frequency(every_us=SECOND), "Every second"),
        (Frequency(every_us=1_234_567 * SECOND), "Every 1234567 seconds"),
        (Frequency(every_us=1_500_001), "Every 1.500001 seconds"),
        (Frequency(cron="@daily"), "At 00:00 every day (UTC)"),
        (
            Frequency(cron="0 9 * * mon-fri", timezone="Europe/Berlin"),
            "At 09:00 on Monday through Friday (Europe/Berlin)",
        ),
        (Frequency(cron="* * * * *"), "Every minute (UTC)"),
        (Frequency(cron="*/5 * * * *"), "Every 5 minutes (UTC)"),
        (Frequency(cron="*/5 8-17 * * *"), "Every 5 minutes from 08:00 to 17:59 every day (UTC)"),
        (Frequency(cron="*/5 * * * 1"), "Every 5 minutes on Monday (UTC)"),
        (Frequency(cron="*/7 0-6 * * *"), f"At minutes {SEVENTHS} of each hour from 00:00 to 06:59 every day (UTC)"),
        (Frequency(cron="*/61 * * * *"), "Every hour (UTC)"),
        (Frequency(cron="0 */2 * * *"), "Every 2 hours (UTC)"),
        (Frequency(cron="0 */5 * * *"), "At 00:00, 05:00, 10:00, 15:00 and 20:00 every day (UTC)"),
        (
            Frequency(cron="30 8-22/2 * * *"),
            "At minute 30 of each hour in hours 8, 10, 12, 14, 16, 18, 20 and 22 every day (UTC)",
        ),
        (Frequency(cron="0 9 * * 1"), "At 09:00 on Monday (UTC)"),
        (Frequency(cron="0 9 1-31 * 1"), "At 09:00 every day (UTC)"),
        (Frequency(cron="0 9 1/1 * 1"), "At 09:00 every day (UTC)"),
        (Frequency(cron="0 9 1 * 1"), "At 09:00 on day 1 of the month and on Monday (UTC)"),
        (
            Frequency(cron="0 9 */15 * 1,2"),
            "At 09:00 on days 1, 16 and 31 of the month if that is Monday or Tuesday (UTC)",
        ),
        (Frequency(cron="0 9 L * *"), "At 09:00 on the last day of the month (UTC)"),
        (Frequency(cron="0 9 1,LW * *"), "At 09:00 on day 1 and the last working day of the month (UTC)"),
        (Frequency(cron="0 9 15W * *"), "At 09:00 on the working day nearest to day 15 of the month (UTC)"),
        (
            Frequency(cron="0 9 1,15W,LW * *"),
            "At 09:00 on day 1, the working day nearest to day 15 and the last working day of the month (UTC)",
        ),
        (Frequency(cron="0 0 9 * * 1"), "At 09:00 on Monday (UTC)"),
        (Frequency(cron="0,30 0 9 * * 1"), "At 09:00:00 and 09:00:30 on Monday (UTC)"),
        (Frequency(cron="* * * * * *"), "Every second (UTC)"),
        (Frequency(cron="*/10 * * * * *"), "Every 10 seconds (UTC)"),
        (
            Frequency(cron="*/10 */5 8-17 * * 1"),
            "Every 10 seconds, every 5 minutes from 08:00 to 17:59 on Monday (UTC)",
        ),
        (Frequency(cron="7 30 * * * *"), "At second 7 of each minute, at minute 30 of every hour (UTC)"),
        (Frequency(cron="0 9 * * fri#2"), "At 09:00 on the second Friday of the month (UTC)"),
        (Frequency(cron="0 9 * * 5L,7#1"), "At 09:00 on the first Sunday and the last Friday of the month (UTC)"),
        (Frequency(cron="0 9 L * 1"), "At 09:00 on the last day of the month and on Monday (UTC)"),
        (Frequency(cron="0 9 * 6-8,12 sun,7"), "At 09:00 on Sunday in June through August and December (UTC)"),
    ],
)
def test_a4_a_frequency_in_words(frequency, words):
    assert description(frequency) == words


def times_of(expression):
    """When an expression is due, as the oracle reads it: seconds, minutes, hours, and the days of a leap year."""
    *second, minute, hour, day, month, weekday = expression.split()
    fields, days = (minute, hour, day, month, weekday), [date(2024, 1, 1) + timedelta(days=n) for n in range(366)]
    seconds = values(second[0], 0) if second else frozenset({0})
    return seconds, values(minute, 0), values(hour, 1), tuple(each for each in days if day_fits(fields, each))


def test_a4_expressions_with_the_same_words_are_due_at_the_same_times():
    chance = random.Random(5)
    fields = [[random_field(chance, field) for field in range(5)] for _ in range(FIELDS_APART)]
    # Times and days apart, so that many have the same words.
    expressions = {f"{minute} {hour} * * *" for minute, hour, *_ in fields}
    seconds = [random_field(chance, 0) for _ in fields]
    expressions |= {
        f"{second} {minute} {hour} * * *" for second, (minute, hour, *_) in zip(seconds, fields, strict=True)
    }
    expressions |= {f"0 9 {day} * {weekday}" for *_, day, _, weekday in fields}
    expressions |= {f"0 9 * {month} *" for *_, month, _ in fields}
    taken = [each for each in expressions if times_of(each)[-1]]

    meanings = {}
    for expression in taken:
        meanings.setdefault(description(Frequency(cron=expression)), set()).add(times_of(expression))

    assert [words for words, times in meanings.items() if len(times) > 1] == []
    assert len(meanings) < len(taken)


def test_instants_between_are_all_told_when_they_are_few():
    hourly = Frequency(cron="0 * * * *")
    instants, following = between(hourly, at("2026-01-01T01:00"), at("2026-01-01T03:30"), 10)
    assert (instants.before, list(map(minute_text, instants.latest))) == (
        None,
        ["2026-01-01T01:00", "2026-01-01T02:00", "2026-01-01T03:00"],
    )
    assert minute_text(following) == "2026-01-01T04:00"


def test_nothing_lies_between_when_the_first_is_still_to_come():
    assert between(Frequency(every_us=HOUR), 10, 9, 5) == (Instants(None, []), 10)
    assert between(Frequency(every_us=HOUR), None, 9, 5) == (Instants(None, []), None)


@pytest.mark.parametrize("frequency", [Frequency(every_us=MINUTE), Frequency(cron="* * * * *")])
def test_the_earlier_instants_of_a_long_spell_are_counted_together(frequency):
    """Of a long spell the latest are told one by one and the rest together."""
    first = at("2026-01-01T00:00")
    instants, following = between(frequency, first, first + 100 * MINUTE, 30)
    assert instants.latest == [first + number * MINUTE for number in range(71, 101)]
    assert instants.before == (first, first + 70 * MINUTE, 71)
    assert following == first + 101 * MINUTE


@pytest.mark.parametrize(
    "frequency",
    [
        Frequency(every_us=SECOND),
        Frequency(cron="* * * * *", timezone="Europe/Berlin"),
        Frequency(cron="*/7 * * * * *", timezone="Europe/Berlin"),
    ],
)
def test_years_of_instants_take_no_longer_than_their_latest(frequency):
    first = at("2006-01-01T00:00")
    last = first + 20 * 366 * DAY
    instants, following = between(frequency, first, last, 1000)
    assert len(instants.latest) == 1000
    assert instants.latest[-1] <= last < following
    assert instants.before[:2][0] == first
    assert instants.before[1] < instants.latest[0]
