"""What campaigns keep in the database. Times are seconds since 1970 by the database's own clock, unless said."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text

METADATA = MetaData()

CAMPAIGNS = Table(
    "nhi_campaigns",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("version", String(32), nullable=False),  # of the tool that started it: only its workers carry it out
    Column("header", Text, nullable=False),  # Header, JSON
    Column("digest", String(64), nullable=False),  # of the saved plan
    Column("course", Text, nullable=False),  # Course, JSON
    Column("operator", Text, nullable=False),  # who applied it
    Column("consent", Text, nullable=False),  # engine Consent, JSON
    Column("state", String(16), nullable=False),
    Column("verb", String(8), nullable=False, default="apply"),  # what is done with its items: apply, undo
    Column("rearm", Text, nullable=False, default="[]"),  # access ids that undo knowingly brings back to life, JSON
    Column("why", Text, nullable=False, default=""),  # why it is paused
    Column("turn", Integer, nullable=False, default=0),  # of the workflow that conducts it; each has its own number
    Column("worker", String(64)),  # that conducts it now
    Column("since", Float, nullable=False),  # failures before it are known to the operator, and pause nothing
    Column("created", Float, nullable=False),
    Column("ended", Float),
)

ITEMS = Table(
    "nhi_items",
    METADATA,
    Column("campaign", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("wave", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("tenants", Text, nullable=False),  # [Tenant, …], JSON
    Column("state", String(16), nullable=False),
    Column("verb", String(8), nullable=False, default="apply"),  # what is to be done, or was done last
    Column("tries", Integer, nullable=False, default=0),  # of the workflow that is to do it; each has its own number
    Column("worker", String(64)),  # that holds it, or ended it
    Column("begun", Integer, nullable=False, default=0),  # how often a worker began or went on with it
    Column("exit_code", Integer),
    Column("headline", Text, nullable=False, default=""),
    Column("why", Text, nullable=False, default=""),
    Column("outage", Integer, nullable=False, default=0),  # 1: stopped and not served again
    Column("started", Float),
    Column("ended", Float),
    # Last: SQLite walks through what stands before a column, and progress is counted every second.
    Column("item", LargeBinary, nullable=False),  # Item, JSON
    Index("nhi_items_by_state", "campaign", "state"),
)

JOURNALS = Table(
    "nhi_journals",
    METADATA,
    Column("run", String(128), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("line", LargeBinary, nullable=False),  # with its newline
)

LOCKS = Table(
    "nhi_locks",
    METADATA,
    Column("ref", Text, primary_key=True),
    Column("run", String(128), nullable=False),
    Column("why", Text, nullable=False),
    Column("worker", String(64), nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("since", Float, nullable=False),
)

WORKERS = Table(
    "nhi_workers",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String(32), nullable=False),
    Column("started", Float, nullable=False),
    Column("beat", Float, nullable=False),
)

RATES = Table(
    "nhi_rates",
    METADATA,
    # str(Tenant); after a tab, what the vendor counts by besides; after a tab and "=", what a provider paces by itself.
    Column("tenant", Text, primary_key=True),
    Column("requests", Integer, nullable=False, default=0),  # the limit in force; 0: none is known
    Column("seconds", Float, nullable=False, default=0.0),
    Column("next", Float, nullable=False, default=0.0),  # as slots.Lane has it
    Column("most", Integer, nullable=False, default=1),
    Column("batch_at", Float, nullable=False, default=0.0),
    Column("told_limit", Integer, nullable=False, default=0),  # of the vendor's own window; 0: it told of none
    Column("told_left", Integer, nullable=False, default=0),
    Column("told_ends", Float, nullable=False, default=0.0),
    Column("told_known", Integer, nullable=False, default=1),
    Column("blocked_until", Float, nullable=False, default=0.0),  # by a refusal that named a time
    Column("refused", Integer, nullable=False, default=0),  # how often the vendor asked to go slower
    Column("sent", Integer, nullable=False, default=0),  # handed out, as far as a limit is known
    Column("waited", Float, nullable=False, default=0.0),  # seconds that requests waited for it, all workers together
)

TENANT_NAMES = Table(
    "nhi_tenant_names",
    METADATA,
    Column("named", Text, primary_key=True),  # str(Tenant), as plans have it
    Column("tenant", Text, nullable=False),  # as RATES has it, where the vendor counts for another name
)
