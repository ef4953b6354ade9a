# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Points in time as the services write them."""
from datetime import datetime, timedelta, timezone

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def from_epoch(seconds):
    return _EPOCH + timedelta(seconds=seconds)


def parse(text):
    """RFC 9110 ("Mon, 02 Jan 2006 15:04:05 GMT"), ISO 8601, or seconds since 1970. ValueError"""
    parts = text.split()
    if len(parts) == 6 and parts[2] in _MONTHS and parts[5] in ("GMT", "UTC", "+0000"):
        hour, minute, second = parts[4].split(":")
        return datetime(int(parts[3]), _MONTHS.index(parts[2]) + 1, int(parts[1]), int(hour), int(minute),
                        int(second), tzinfo=timezone.utc)
    try:
        return from_epoch(float(text))
    except ValueError:
        pass
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)


def moment(value):
    """What a caller may give as a time, as a datetime with its zone."""
    if isinstance(value, str):
        return parse(value)
    if isinstance(value, (int, float)):
        return from_epoch(value)
    if not isinstance(value, datetime):
        value = datetime(*value.timetuple()[:6])
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)


def http(value):
    """RFC 9110."""
    t = moment(value).astimezone(timezone.utc)
    return (f"{_DAYS[t.weekday()]}, {t.day:02} {_MONTHS[t.month - 1]} {t.year:04} "
            f"{t.hour:02}:{t.minute:02}:{t.second:02} GMT")


def iso(value):
    """ISO 8601 in UTC with a Z, without a fraction where there is none."""
    t = moment(value).astimezone(timezone.utc)
    return t.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if t.microsecond else "%Y-%m-%dT%H:%M:%SZ")
