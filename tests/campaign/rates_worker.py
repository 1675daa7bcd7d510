"""A worker process that asks a server as fast as its share of a tenant's limit lets it; run by test_rates_processes.

python -m tests.campaign.rates_worker STATE URL SERVER REQUESTS RATE
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.limits import Ask, Lease, Limits
from nhi_revoke.campaign.rates import rates
from nhi_revoke.campaign.share import DatabaseShare
from tests.campaign.sharing import wish

THREADS = 12


def main(state: str, url: str, server: str, requests: str, rate: str) -> None:
    database, go = Database.open(Path(state), url), threading.Event()
    share = DatabaseShare(database, rates([f"cloud={rate}"], share=1.0))
    given, leases = list[float](), list[float]()
    lease = Limits.lease

    def noted(self: Limits, asks: list[Ask], *more: object) -> Lease:
        began = time.monotonic()
        told = lease(self, asks, *more)  # type: ignore[arg-type]  # as they came
        leases.append(time.monotonic() - began)
        given.extend(each.at for each in told.given if each.granted)
        return told

    Limits.lease = noted  # type: ignore[method-assign, assignment]  # what is granted is seen where it is
    netloc, local = urlsplit(server).netloc, threading.local()

    def once(_number: int) -> None:
        share.take(wish(), go)
        if not hasattr(local, "client"):
            local.client = http.client.HTTPConnection(netloc)
        local.client.request("GET", "/")
        local.client.getresponse().read()
        share.answered(wish(), None, 0.0)

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()  # all begin together
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(once, range(int(requests))))
    share.close()
    database.close()
    sys.stdout.write(json.dumps({"given": given, "leases": leases, "expired": share.expired}))


if __name__ == "__main__":
    main(*sys.argv[1:])
