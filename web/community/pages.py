"""Pages for people: the passages, newest first, and the kiosks. Complete without a script."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from kiosk.model import Verdict
from web.community import wording
from web.community.context import community
from web.community.listing import Filter, Kiosk, Place, Row, gates, kiosks, passages, troubles
from web.community.problems import Problem, ProblemCode
from web.community.roles import Role, role

blueprint = Blueprint("pages", __name__)

SILENT_S: Final = 180
"""Three missed heartbeats: a kiosk is said to be silent."""


@blueprint.get("/")
@role(Role.VIEWER)
def home() -> BaseResponse:
    """The passages are the first page."""
    return redirect(_link(request.args.to_dict()))


@blueprint.get("/passages")
@role(Role.VIEWER)
def passage_list() -> Response:
    """Fifty passages, narrowed to a gate and a verdict."""
    wanted = _filter()
    with community().store.reading() as connection:
        rows, older = passages(connection, wanted)
        names, trouble = gates(connection), troubles(connection)
    kept = {"gate": wanted.gate, "verdict": wanted.verdict}
    return _page(
        "passages.html",
        rows=[_shown(row) for row in rows],
        simulated=any(row.simulated for row in rows),
        wanted=wanted,
        gates=names,
        trouble=trouble,
        older=_link(kept | {"before": older}) if older else None,
        newest=_link(kept) if wanted.before else None,
        verdicts=[
            (verdict, _link({"gate": wanted.gate, "verdict": verdict})) for verdict in (None, *Verdict)
        ],
    )


@blueprint.get("/kiosks")
@role(Role.VIEWER)
def kiosk_list() -> Response:
    """What each kiosk has delivered and when it last spoke."""
    with community().store.reading() as connection:
        rows = kiosks(connection)
    return _page("kiosks.html", rows=[_heard(kiosk) for kiosk in rows])


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


def _language() -> wording.Language:
    asked = request.args.get("lang", "")
    if asked in wording.LANGUAGES:
        return asked
    return "en" if request.accept_languages.best_match(["zh", "en"], default="zh") == "en" else "zh"


def _link(values: dict[str, Any]) -> str:
    """Address of the list with these values; a chosen language is kept."""
    kept = {"lang": request.args.get("lang")} | values
    query = urlencode({name: str(value) for name, value in kept.items() if value})
    return url_for("pages.passage_list") + (f"?{query}" if query else "")


def _page(template: str, **values: Any) -> Response:
    language = _language()
    other: wording.Language = "en" if language == "zh" else "zh"
    swapped = url_for(str(request.endpoint)) + "?" + urlencode(request.args.to_dict() | {"lang": other})
    text = render_template(
        template,
        lang=language,
        t=wording.page(language),
        words=wording.Words(language),
        lang_query={"lang": request.args["lang"]} if "lang" in request.args else {},
        other_language=(other, swapped),
        as_of=_local(community().now()),
        **values,
    )
    response = Response(text, content_type="text/html; charset=utf-8")
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language"
    return response


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(community().zone)


def _shown(row: Row) -> dict[str, Any]:
    return {"row": row, "time": _local(row.at), "ago": _minutes_ago(row.at)}


def _minutes_ago(at: float) -> int | None:
    """Whole minutes, for less than an hour; a time to come (a simulated clock) is shown as it is."""
    seconds = community().now() - at
    return int(seconds // 60) if 0 <= seconds < 3600 else None


def _heard(kiosk: Kiosk) -> dict[str, Any]:
    silent = community().now() - kiosk.last_seen > SILENT_S
    return {
        "kiosk": kiosk,
        "time": _local(kiosk.last_seen),
        "ago": _minutes_ago(kiosk.last_seen),
        "silent": silent,
    }
