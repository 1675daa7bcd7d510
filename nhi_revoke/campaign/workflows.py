"""Campaigns and items as DBOS workflows: queued once, begun by one worker, begun anew by another where that one died.

The rows of the campaign say what is true (`ledger.py`); a workflow only brings an item to a worker. Each step of it may
happen twice, so that it records none of its own.

One in a process: DBOS keeps itself in globals. Its arguments and results are plain JSON and never pickled, it logs
nothing (its messages may name the database), opens no port and calls nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from types import TracebackType

import dbos
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, WorkflowSerializationFormat
from dbos._utils import GlobalParams
from sqlalchemy import Engine, create_engine

from nhi_revoke import __version__
from nhi_revoke.campaign.conducting import Due
from nhi_revoke.campaign.database import BUSY
from nhi_revoke.model.error import NothingCanStart

APPLICATION = "nhi-revoke"
SCHEMA = "nhi_workflows"
ITEM = "nhi-item"
CAMPAIGN = "nhi-campaign"
ITEMS_QUEUE = "nhi-items"
CAMPAIGNS_QUEUE = "nhi-campaigns"
SHARE = 0.75
"""What one tenant may hold of a worker's slots at most: some are always there for the others."""
ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
POOL = 6
"""Connections of the workflow engine to its database."""

DoesItem = Callable[[str, int, int], None]
"""Campaign, number of the item, try. Raises nothing, and may be called twice."""
Conducts = Callable[[str, int], None]
"""Campaign, turn. Raises nothing, and may be called twice."""


class Workflows:
    """Runs as this worker while it is entered. `url`: of the system database; `every`: seconds between two looks at
    the queues; `at_once`: items side by side. Of several workers of one database, the last that started says how many.
    """

    def __init__(self, url: str, worker: str, item: DoesItem, conduct: Conducts, *, at_once: int, every: float) -> None:
        self._url = url
        self._worker = worker
        self._item = item
        self._conduct = conduct
        self._at_once = at_once
        self._every = every
        self._running: DBOS | None = None
        self._client: DBOSClient
        self._engine: Engine

    def __enter__(self) -> Workflows:
        """Makes its tables where they are missing. Raises NothingCanStart, without the words of what went wrong."""
        _be_silent()
        GlobalParams.dbos_cloud = False  # an environment variable would have it report to the vendor's console
        try:
            self._connect()
            self._launch()
        except Exception as wrong:  # noqa: BLE001 - whatever it is, its message may hold the database's URL
            self.__exit__(None, None, None)
            raise NothingCanStart(
                "workflows",
                f"The workflow engine cannot use the campaigns' database ({type(wrong).__name__}). Nothing was begun.",
                f"It keeps tables of its own: on PostgreSQL in a schema {SCHEMA}, which it must be able to make.",
            ) from None
        return self

    def _connect(self) -> None:
        """Before workflows run: they enqueue others."""
        patience = {"connect_args": {"timeout": BUSY}} if self._url.startswith("sqlite") else {"pool_pre_ping": True}
        self._engine = create_engine(self._url, pool_size=1, **patience)
        self._client = DBOSClient(
            system_database_url=self._url,
            dbos_system_schema=SCHEMA,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            lazy=True,
        )
        DBOS.migrate(self._url, schema=SCHEMA)
        # Before the launch, which looks for queues once a second only.
        self._client.register_queue(CAMPAIGNS_QUEUE, polling_interval_sec=self._every, application_name=APPLICATION)
        self._client.register_queue(
            ITEMS_QUEUE,
            worker_concurrency=self._at_once,
            partition_worker_concurrency=1,  # until whoever conducts knows how many tenants wait (`divide`)
            polling_interval_sec=self._every,
            application_name=APPLICATION,
        )

    def _launch(self) -> None:
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": self._url,
            "dbos_system_schema": SCHEMA,
            "sys_db_pool_size": POOL,
            "executor_id": self._worker,
            "application_version": __version__,
            "serializer": DBOSPortableJSONSerializer(),
            "run_migrations": False,
            "use_listen_notify": False,
            "enable_otlp": False,
            "log_level": "CRITICAL",
            "notification_listener_polling_interval_sec": 0.25,  # it notices the end that late
        }
        self._running = DBOS(config=config)
        self._register()
        DBOS.launch()

    def _register(self) -> None:
        def item(campaign: str, number: int, tries: int) -> None:
            self._item(campaign, number, tries)

        def conduct(campaign: str, turn: int) -> None:
            self._conduct(campaign, turn)

        portable = WorkflowSerializationFormat.PORTABLE
        # No limit of their own: an item that kills its worker is the ledger's to count.
        DBOS.workflow(name=ITEM, max_recovery_attempts=None, serialization_type=portable)(item)
        DBOS.workflow(name=CAMPAIGN, max_recovery_attempts=None, serialization_type=portable)(conduct)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        DBOS.destroy(destroy_registry=True)
        self._running = None
        self._client.destroy()
        self._engine.dispose()

    def take_no_more(self) -> None:
        """Begin nothing more; what was begun goes on."""
        if self._running is not None:
            for stop in self._running.background_thread_stop_events:
                stop.set()

    def divide(self, tenants: int) -> None:
        """Slots of each worker are divided evenly among so many tenants that still wait: who is asked too slowly to
        use more must not hold what another one could use.
        """
        queue = self._client.retrieve_queue(ITEMS_QUEUE)
        slots = queue.worker_concurrency if queue is not None else None
        if queue is None or slots is None or not tenants:
            return
        most = max(1, min(int(slots * SHARE), -(-slots // tenants)))
        if queue.partition_worker_concurrency != most:
            queue.set_partition_worker_concurrency(most)

    def enqueue(self, items: Sequence[Due]) -> None:
        """One workflow for each item and try, in one transaction; one that is there already stays as it is."""
        with self._engine.begin() as conn:
            for each in items:
                options: dbos.EnqueueOptions = {
                    "workflow_name": ITEM,
                    "queue_name": ITEMS_QUEUE,
                    "workflow_id": _id(each),
                    "queue_partition_key": each.tenant,
                    "priority": each.urgency,
                    "app_version": __version__,
                    "serialization_type": WorkflowSerializationFormat.PORTABLE,
                }
                self._client.enqueue_in_transaction(conn, options, each.campaign, each.number, each.tries)

    def enqueue_campaign(self, campaign: str, turn: int) -> None:
        """One workflow for each turn; one that is there already stays as it is."""
        with self._engine.begin() as conn:
            options: dbos.EnqueueOptions = {
                "workflow_name": CAMPAIGN,
                "queue_name": CAMPAIGNS_QUEUE,
                "workflow_id": f"{campaign}.{turn}",
                "app_version": __version__,
                "serialization_type": WorkflowSerializationFormat.PORTABLE,
            }
            self._client.enqueue_in_transaction(conn, options, campaign, turn)

    def lost(self, items: Sequence[Due]) -> Sequence[Due]:
        """Those of them whose workflow has ended, as nobody of them knows."""
        by_id = {_id(each): each for each in items}
        ended = self._client.list_workflows(
            workflow_ids=list(by_id), status=list(ENDED), load_input=False, load_output=False
        )
        return [by_id[each.workflow_id] for each in ended]

    def recover(self, alive: Sequence[str]) -> int:
        """Workflows that a worker held which is none of these are queued again; of this version only: others' workers
        know what they left. Says how many.
        """
        pending = self._client.list_workflows(
            status="PENDING", app_version=__version__, load_input=False, load_output=False, limit=10_000
        )
        left = sorted({each.executor_id for each in pending if each.executor_id} - {*alive, self._worker})
        return len(DBOS._recover_pending_workflows(left)) if left else 0


def _id(item: Due) -> str:
    return f"{item.campaign}.{item.number:06d}.{item.tries}"


def _be_silent() -> None:
    """DBOS logs to the console unless somebody handles its log."""
    log = logging.getLogger("dbos")
    if not any(isinstance(handler, logging.NullHandler) for handler in log.handlers):
        log.addHandler(logging.NullHandler())
    log.propagate = False
