"""Measures of agreement as segeval, NLTK and scikit-learn compute them.

Each line of standard input is a job in JSON: {"window": K, "users": [{"tracked": [LABEL, ...],
"inferred": [LABEL, ...], "gaps": [[LENGTH, IS_BOUNDARY], ...]}, ...]}, the labels of a user's events
inside tracked sessions in the order of time, both sides in runs. Each line of standard output is the
answer: measures by name, null where none is defined.
"""

import json
import math
import statistics
import sys
from collections import Counter
from itertools import groupby

import segeval
from nltk.metrics.segmentation import pk, windowdiff
from sklearn.metrics import (
    adjusted_rand_score,
    homogeneity_completeness_v_measure,
    roc_auc_score,
)


def flags(labels):
    return "".join("1" if one != two else "0" for one, two in zip(labels, labels[1:]))


def masses(labels):
    return [len(list(run)) for _, run in groupby(labels)]


def ratio(part, whole):
    return part / whole if whole else None


def windows(users, size):
    """Pk and WindowDiff by both packages, their errors pooled by windows."""
    sums = Counter()
    for user in users:
        count = len(user["tracked"]) - size
        if count < 1:
            continue
        tracked, inferred = user["tracked"], user["inferred"]
        sums["windows"] += count
        pairs = flags(tracked), flags(inferred)
        sums["nltk_pk"] += count * pk(*pairs, k=size)
        sums["nltk_window_diff"] += count * windowdiff(*pairs, k=size)
        pairs = masses(inferred), masses(tracked)
        sums["segeval_pk"] += count * float(segeval.pk(*pairs, window_size=size))
        sums["segeval_window_diff"] += count * float(segeval.window_diff(*pairs, window_size=size))
    names = "nltk_pk", "nltk_window_diff", "segeval_pk", "segeval_window_diff"
    return {name: ratio(sums[name], sums["windows"]) for name in names}


def nats(labels):
    """Events times entropy."""
    return sum(-n * math.log(n / len(labels)) for n in Counter(labels).values())


def entropies(users):
    """Homogeneity and completeness of each user, weighted by the events times entropy of its side."""
    sums = Counter()
    for user in users:
        tracked, inferred = user["tracked"], user["inferred"]
        if not tracked:
            continue
        homogeneity, completeness, _ = homogeneity_completeness_v_measure(tracked, inferred)
        sums["tracked"] += nats(tracked)
        sums["inferred"] += nats(inferred)
        sums["homogeneity"] += homogeneity * nats(tracked)
        sums["completeness"] += completeness * nats(inferred)
    homogeneity = ratio(sums["homogeneity"], sums["tracked"])
    completeness = ratio(sums["completeness"], sums["inferred"])
    defined = homogeneity is not None and completeness is not None
    both = ratio(2 * homogeneity * completeness, homogeneity + completeness) if defined else None
    return {"homogeneity": homogeneity, "completeness": completeness, "v_measure": both}


def pairs(labels):
    return sum(math.comb(n, 2) for n in Counter(labels).values())


def rand(users):
    """Adjusted Rand: of the only user, and the median over users with something left to chance."""
    defined = []
    for user in users:
        tracked, inferred = user["tracked"], user["inferred"]
        one, two, all_pairs = pairs(tracked), pairs(inferred), math.comb(len(tracked), 2)
        if all_pairs and (one + two) * all_pairs != 2 * one * two:
            defined.append(adjusted_rand_score(tracked, inferred))
    return {
        "adjusted_rand": defined[0] if len(users) == len(defined) == 1 else None,
        "adjusted_rand_median": statistics.median(defined) if defined else None,
    }


def area(users):
    gaps = [gap for user in users for gap in user["gaps"]]
    truth = [is_boundary for _, is_boundary in gaps]
    if len(set(truth)) < 2:
        return {"gap_auc": None}
    return {"gap_auc": roc_auc_score(truth, [length for length, _ in gaps])}


def window_size(users):
    """The window that segeval chooses for an only user."""
    if len(users) != 1 or not users[0]["tracked"]:
        return {}
    return {"window_size": segeval.compute_window_size(masses(users[0]["tracked"]))}


for line in sys.stdin:
    job = json.loads(line)
    users = job["users"]
    answer = {**rand(users), **entropies(users), **area(users), **window_size(users)}
    if job["window"] is not None:
        answer.update(windows(users, job["window"]))
    print(json.dumps(answer, default=float))
