"""Pages for people: the passages, newest first, and the kiosks. Complete without a script."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from kiosk.model import Verdict
from web.community.context import community
from web.community.listing import Filter, Kiosk, Place, Row, gates, kiosks, passages, troubles
from web.community.problems import Problem, ProblemCode
from web.community.rendering import link, local, page
from web.community.roles import Role, role

blueprint = Blueprint("pages", __name__)

SILENT_S: Final = 180
"""Three missed heartbeats: a kiosk is said to be silent."""


@blueprint.get("/")
@role(Role.VIEWER)
def home() -> BaseResponse:
    """The passages are the first page."""
    return redirect(link(request.args.to_dict()))


@blueprint.get("/passages")
@role(Role.VIEWER)
def passage_list() -> Response:
    """Fifty passages, narrowed to a gate and a verdict."""
    wanted = _filter()
    with community().store.reading() as connection:
        rows, older = passages(connection, wanted)
        names, trouble = gates(connection), troubles(connection)
    kept = {"gate": wanted.gate, "verdict": wanted.verdict}
    return page(
        "passages.html",
        rows=[_shown(row) for row in rows],
        wanted=wanted,
        gates=names,
        trouble=trouble,
        older=link(kept | {"before": older}) if older else None,
        newest=link(kept) if wanted.before else None,
        verdicts=[(verdict, link({"gate": wanted.gate, "verdict": verdict})) for verdict in (None, *Verdict)],
    )


@blueprint.get("/kiosks")
@role(Role.VIEWER)
def kiosk_list() -> Response:
    """What each kiosk has delivered and when it last spoke."""
    with community().store.reading() as connection:
        rows = kiosks(connection)
    marked = community().simulated()
    return page("kiosks.html", rows=[_heard(kiosk, kiosk.name in marked) for kiosk in rows])


def _filter() -> Filter:
    try:
        verdict, before = request.args.get("verdict"), request.args.get("before")
        return Filter(
            gate=request.args.get("gate") or None,
            verdict=Verdict(verdict) if verdict else None,
            before=Place.parse(before) if before else None,
        )
    except ValueError:
        raise Problem(ProblemCode.QUERY_WRONG, "verdict or place in the list") from None


def _shown(row: Row) -> dict[str, Any]:
    return {"row": row, "time": local(row.at), "ago": _minutes_ago(row.at)}


def _minutes_ago(at: float) -> int | None:
    """Whole minutes, for less than an hour; a time to come (a simulated clock) is shown as it is."""
    seconds = community().now() - at
    return int(seconds // 60) if 0 <= seconds < 3600 else None


def _heard(kiosk: Kiosk, simulated: bool) -> dict[str, Any]:
    silent = community().now() - kiosk.last_seen > SILENT_S
    return {
        "kiosk": kiosk,
        "time": local(kiosk.last_seen),
        "ago": _minutes_ago(kiosk.last_seen),
        "silent": silent,
        "simulated": simulated,
    }
