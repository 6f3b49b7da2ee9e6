"""The answer every peer gives: one JSON object on standard output."""

import json

TIMEOUT = 1_800_000_000  # 30 minutes in microseconds
DAY = 86_400_000_000  # a day in microseconds


def give(overall, days):
    """Prints the answer.

    `overall` is sessions, mean and median in seconds; `days` has, for each day with a session, the
    day's number since 1970, sessions and mean in seconds.
    """
    sessions, mean, median = overall
    print(json.dumps({
        "sessions": int(sessions),
        "mean": float(mean),
        "median": float(median),
        "days": {str(int(day)): [int(count), float(mean)] for day, count, mean in days},
    }))
