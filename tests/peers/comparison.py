"""What `sessionize compare` says, by plain loops over everything and the standard library alone.

Arguments: events (CSV: user_id, created_at), tracked sessions (CSV: user_id, started_at, ended_at),
the timeout; all times in whole seconds. Broken tracked sessions are trimmed, those over a day too.
Standard output is one JSON object, measures by name. Nothing may be undefined.
"""

import csv
import json
import math
import sys
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from itertools import accumulate, groupby
from statistics import mean, median, pvariance, stdev

DAY = 86_400


def trimmed(rows, events):
    """One user's tracked sessions after repair."""
    sessions = []
    rows = sorted(rows, key=lambda row: (row[0], row[1] is not None, row[1] or 0))
    for row, after in zip(rows, rows[1:] + [None]):
        start, end = row
        limit = after[0] if after else math.inf
        if end is None or end < start or end - start > DAY:
            if limit <= start:
                continue
            own = end if end is not None and end >= start else math.inf
            inside = [at for at in events if at < limit and at <= start + DAY and at <= own]
            end = max([start] + inside)
        elif limit < end:
            if limit <= start:
                continue
            end = limit
        sessions.append((start, end))
    return sessions


def holder(at, sessions):
    """The place of the session that holds an event."""
    inside = [i for i, (start, end) in enumerate(sessions) if start <= at < end or at == start]
    ending = [i for i, (start, end) in enumerate(sessions) if at == end]
    return (inside or ending or [None])[-1]


def entropy(labels):
    """Events times entropy."""
    return -sum(n * math.log(n / len(labels)) for n in Counter(labels).values())


def pairs(counts):
    return sum(n * (n - 1) / 2 for n in counts)


class Comparison:
    def __init__(self, timeout):
        self.timeout = timeout
        self.sums = Counter()
        self.gaps = []
        self.sequences = []
        self.rands = []
        self.matched = []

    def user(self, events, rows):
        events = sorted(events)
        sessions = trimmed(rows, events)
        labels = [holder(at, sessions) for at in events]
        opens = [one - two > self.timeout for two, one in zip(events, events[1:])]
        numbers = list(accumulate(opens, initial=0))[: len(events)]
        for index, opened in enumerate(opens):
            one, two = labels[index : index + 2]
            if one is not None or two is not None:
                self.gaps.append((events[index + 1] - events[index], one != two, opened))
        self.together([(a, b) for a, b in zip(labels, numbers) if a is not None])
        inferred = [[i for i in range(len(events)) if numbers[i] == n] for n in sorted(set(numbers))]
        self.sessions(events, sessions, labels, inferred)

    def together(self, kept):
        """Which events inside tracked sessions are together."""
        tracked, inferred = [a for a, _ in kept], [b for _, b in kept]
        both, by_tracked, by_inferred = Counter(kept), Counter(tracked), Counter(inferred)
        sums = self.sums
        sums["inside"] += len(kept)
        sums["runs"] += len(list(groupby(tracked)))
        self.sequences.append((tracked, inferred))
        if len(kept) > 1:
            one, two = pairs(by_tracked.values()), pairs(by_inferred.values())
            expected = one * two / pairs([len(kept)])
            gain, room = pairs(both.values()) - expected, (one + two) / 2 - expected
            sums["gain"] += gain
            sums["room"] += room
            if room > 1e-9:
                self.rands.append(gain / room)
        sums["tracked_entropy"] += entropy(tracked)
        sums["inferred_entropy"] += entropy(inferred)
        for label in by_inferred:
            sums["tracked_given"] += entropy([a for a, b in kept if b == label])
        for label in by_tracked:
            sums["inferred_given"] += entropy([b for a, b in kept if a == label])
        for (a, b), count in both.items():
            sums["b_cubed_precision"] += count * count / by_inferred[b]
            sums["b_cubed_recall"] += count * count / by_tracked[a]

    def sessions(self, events, tracked, labels, inferred):
        """Which sessions meet, their time, and who is whose counterpart."""
        sums = self.sums
        spans = [(events[own[0]], events[own[-1]]) for own in inferred]
        meetings = {}
        for a, (start, end) in enumerate(tracked):
            for b, (first, last) in enumerate(spans):
                shared = max(0, min(end, last) - max(start, first))
                count = sum(labels[i] == a for i in inferred[b])
                if shared or count:
                    meetings[a, b] = shared, count
            sums["shared"] += sum(meetings.get((a, b), (0, 0))[0] for b in range(len(spans)))
            self.session(a, [i for i in range(len(events)) if labels[i] == a], inferred)
        of_tracked, of_inferred = Counter(a for a, _ in meetings), Counter(b for _, b in meetings)
        sums["tracked"] += len(tracked)
        sums["inferred"] += len(spans)
        sums["splits"] += sum(count > 1 for count in of_tracked.values())
        sums["misses"] += len(tracked) - len(of_tracked)
        sums["merges"] += sum(count > 1 for count in of_inferred.values())
        sums["orphans"] += len(spans) - len(of_inferred)
        sums["tracked_time"] += sum(end - start for start, end in tracked)
        sums["inferred_time"] += sum(last - first for first, last in spans)
        taken = []
        for (a, b), _ in sorted(meetings.items(), key=lambda one: (-one[1][0], -one[1][1], one[0])):
            if all((a - c) * (b - d) > 0 for c, d in taken):
                taken.append((a, b))
                self.matched.append((*tracked[a], *spans[b]))

    def session(self, place, own, inferred):
        """How well inferred sessions hold the events of a tracked one."""
        if not own:
            return
        sums = self.sums
        shared = [(len(set(own) & set(other)), len(other)) for other in inferred]
        first = [other[0] for other in inferred]
        last = [other[-1] for other in inferred]
        both = [own[0] == other[0] and own[-1] == other[-1] for other in inferred]
        sums["with_events"] += 1
        sums["contained"] += any(count == len(own) for count, _ in shared)
        sums["same_first_event"] += own[0] in first
        sums["same_last_event"] += own[-1] in last
        sums["same_first_and_last_event"] += any(both)
        sums["mean_best_overlap"] += max(count / len(own) for count, _ in shared)
        sums["mean_best_jaccard"] += max(n / (len(own) + size - n) for n, size in shared)

    def answer(self):
        return {
            **self.boundaries(),
            **self.windows(),
            **self.labelled(),
            **self.overlaps(),
            **self.durations(),
        }

    def boundaries(self):
        outcome = Counter((tracked, opened) for _, tracked, opened in self.gaps)
        found, missed = outcome[True, True], outcome[True, False]
        invented = outcome[False, True]
        boundaries = sorted(gap for gap, is_boundary, _ in self.gaps if is_boundary)
        inner = sorted(gap for gap, is_boundary, _ in self.gaps if not is_boundary)

        def f1(timeout):
            found = len(boundaries) - bisect_right(boundaries, timeout)
            predicted = found + len(inner) - bisect_right(inner, timeout)
            return 2 * found / (predicted + len(boundaries))

        above = sum((bisect_left(inner, gap) + bisect_right(inner, gap)) / 2 for gap in boundaries)
        return {
            "true_positives": found,
            "false_positives": invented,
            "false_negatives": missed,
            "true_negatives": outcome[False, False],
            "boundary_precision": found / (found + invented),
            "boundary_recall": found / (found + missed),
            "boundary_f1": 2 * found / (2 * found + invented + missed),
            "gap_auc": above / len(boundaries) / len(inner),
            "ceiling_f1": max(f1(timeout) for timeout in {1, *boundaries, *inner} if timeout),
        }

    def windows(self):
        size = max(2, round(self.sums["inside"] / self.sums["runs"] / 2))
        errors = Counter()
        for sides in self.sequences:
            one, two = ([a != b for a, b in zip(side, side[1:])] for side in sides)
            for start in range(len(one) - size + 1):
                one_here, two_here = sum(one[start : start + size]), sum(two[start : start + size])
                errors["all"] += 1
                errors["pk"] += (one_here > 0) != (two_here > 0)
                errors["window_diff"] += one_here != two_here
        shares = {name: errors[name] / errors["all"] for name in ("pk", "window_diff")}
        return {"window_size": size, **shares}

    def labelled(self):
        sums = self.sums
        homogeneity = 1 - sums["tracked_given"] / sums["tracked_entropy"]
        completeness = 1 - sums["inferred_given"] / sums["inferred_entropy"]
        precision = sums["b_cubed_precision"] / sums["inside"]
        recall = sums["b_cubed_recall"] / sums["inside"]
        return {
            "adjusted_rand": sums["gain"] / sums["room"],
            "adjusted_rand_median": median(self.rands),
            "homogeneity": homogeneity,
            "completeness": completeness,
            "v_measure": 2 * homogeneity * completeness / (homogeneity + completeness),
            "b_cubed_precision": precision,
            "b_cubed_recall": recall,
            "b_cubed_f1": 2 * precision * recall / (precision + recall),
        }

    def overlaps(self):
        sums = self.sums
        shares = [
            "contained",
            "same_first_event",
            "same_last_event",
            "same_first_and_last_event",
            "mean_best_overlap",
            "mean_best_jaccard",
        ]
        times = sums["inferred_time"], sums["tracked_time"]
        return {
            **{name: sums[name] / sums["with_events"] for name in shares},
            **{name: sums[name] for name in ("splits", "misses", "merges", "orphans")},
            "time_precision": sums["shared"] / times[0],
            "time_recall": sums["shared"] / times[1],
            "time_f1": 2 * sums["shared"] / sum(times),
        }

    def durations(self):
        inferred = [last - first for _, _, first, last in self.matched]
        tracked = [end - start for start, end, _, _ in self.matched]
        off = [one - two for one, two in zip(inferred, tracked)]
        starts = [first - start for start, _, first, _ in self.matched]
        ends = [last - end for _, end, _, last in self.matched]
        ratios = [abs(math.log(a / b)) for a, b in zip(inferred, tracked) if a and b]
        shared = [max(0, min(b, d) - max(a, c)) for a, b, c, d in self.matched]
        united = [one + two - both for one, two, both in zip(inferred, tracked, shared)]
        bias, spread = mean(off), stdev(off)
        together = mean(one * two for one, two in zip(inferred, tracked))
        together -= mean(inferred) * mean(tracked)
        apart = pvariance(inferred) + pvariance(tracked) + bias**2
        prefix = "duration_"
        return {
            "mean_temporal_iou": mean(a / b for a, b in zip(shared, united) if b),
            prefix + "bias_seconds": bias,
            prefix + "mean_absolute_error_seconds": mean(map(abs, off)),
            prefix + "median_absolute_error_seconds": median(map(abs, off)),
            prefix + "mean_absolute_log_ratio": mean(ratios),
            prefix + "difference_p2_5_seconds": quantile(off, 0.025),
            prefix + "difference_p97_5_seconds": quantile(off, 0.975),
            prefix + "bias_minus_1_96_sd_seconds": bias - 1.96 * spread,
            prefix + "bias_plus_1_96_sd_seconds": bias + 1.96 * spread,
            prefix + "concordance": 2 * together / apart,
            "start_error_seconds": mean(starts),
            "start_error_median_seconds": median(starts),
            "end_error_seconds": mean(ends),
            "end_error_median_seconds": median(ends),
        }


def quantile(values, share):
    values = sorted(values)
    rank = share * (len(values) - 1)
    lower, upper = values[math.floor(rank)], values[math.ceil(rank)]
    return lower + (upper - lower) * (rank - math.floor(rank))


def main():
    events, tracked = defaultdict(list), defaultdict(list)
    with open(sys.argv[1]) as file:
        for row in csv.DictReader(file):
            events[row["user_id"]].append(int(row["created_at"]))
    with open(sys.argv[2]) as file:
        for row in csv.DictReader(file):
            end = int(row["ended_at"]) if row["ended_at"] else None
            tracked[row["user_id"]].append((int(row["started_at"]), end))
    comparison = Comparison(int(sys.argv[3]))
    for user, rows in tracked.items():
        comparison.user(events[user], rows)
    print(json.dumps(comparison.answer()))


main()
