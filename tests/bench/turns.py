# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lets servers of ort.py's line protocol take turns, so that other load on the
machine slows all alike."""
import time

# Seconds between turns, in which the other servers' threads fall asleep.
PAUSE = 0.03


def milliseconds(words):
    return [float(word) for word in words]


def take_turns(servers, rounds, seconds):
    """Takes turns of about 0.2 s, so that cold caches matter little."""
    for server in servers:
        server.ask("run", 2)
    first = max(milliseconds(server.ask("run", 1))[0] for server in servers)
    per_turn = max(4, min(50, round(200 / first)))
    rounds = max(
        rounds, round(seconds * 1e3 / (len(servers) * per_turn * first))
    )
    times = [[] for _ in servers]
    for turn in range(rounds):
        # The order alternates, so that no server always goes first.
        order = list(range(len(servers)))
        for k in order[::-1] if turn % 2 else order:
            time.sleep(PAUSE)
            times[k].extend(milliseconds(servers[k].ask("run", per_turn)))
    return times
