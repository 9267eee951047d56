"""Flow runs whose process was killed: they say RUNNING for ever, unless somebody sets them right."""

from contextlib import AbstractContextManager
from typing import Any

from prefect import tags
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, TaskRunFilter
from prefect.client.schemas.objects import State, StateType
from prefect.states import Crashed

from stellarfm.atomic import content_key
from stellarfm.home import Home

_ALIVE = [StateType.RUNNING, StateType.PENDING]


def tagged(home: Home) -> AbstractContextManager[Any]:
    """Return a context in which every flow run and task run carries the tag of a home."""
    return tags(_tag(home))


def mark_dead_runs(home: Home) -> int:
    """Mark the runs of a home that ended without a word as crashed, and return how many flow runs there were.

    Whoever calls it holds the home: no other run of it is alive then.
    """
    of_home = {"state": {"type": {"any_": _ALIVE}}, "tags": {"all_": [_tag(home)]}}
    with get_client(sync_client=True) as client:
        dead = client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(of_home))
        for run in dead:
            client.set_flow_run_state(run.id, _crashed(), force=True)
        _mark_tasks(client, of_home)
    return len(dead)


def _mark_tasks(client: SyncPrefectClient, of_home: dict[str, object]) -> None:
    for task in client.read_task_runs(task_run_filter=TaskRunFilter.model_validate(of_home)):
        client.set_task_run_state(task.id, _crashed(), force=True)


def _crashed() -> State[Any]:
    return Crashed(message="its process ended without a word")


def _tag(home: Home) -> str:
    # of a server that several homes share, each looks at its own runs alone; a path is nobody else's business
    return f"stellarfm-home-{content_key(str(home.path))[:8]}"
