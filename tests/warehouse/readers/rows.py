"""One form of values for all engines: whole numbers and texts as they are, instants in microseconds, days and decimals as text."""

import datetime
import decimal

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)


def plain(value):
    # A datetime is a date, too.
    if isinstance(value, datetime.datetime):
        # Without a zone: of an engine that was told to be in UTC.
        aware = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
        return (aware - EPOCH) // MICROSECOND
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    return value


def plain_rows(rows):
    return [[plain(value) for value in row] for row in rows]
