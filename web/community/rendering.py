"""From a template to a page: language, words, time zone, and whether anything here is simulated.

Pages and errors are made alike, so that an error has a way back and says SIMULATED as well.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from flask import Response, render_template, request, url_for

from web.community import wording
from web.community.context import community

PASSAGES: Final = "pages.passage_list"
KIOSKS: Final = "pages.kiosk_list"


def page(template: str, status: int = 200, **values: Any) -> Response:
    """A whole page in the reader's language."""
    language = reader_language()
    other: wording.Language = "en" if language == "zh" else "zh"
    text = render_template(
        template,
        lang=language,
        t=wording.page(language),
        words=wording.Words(language),
        lang_query={"lang": request.args["lang"]} if "lang" in request.args else {},
        other_language=(other, _in_language(other)),
        as_of=local(community().now()),
        simulated=bool(community().simulated()),
        **values,
    )
    response = Response(text, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language"
    return response


def reader_language() -> wording.Language:
    """The one chosen on the page, else the browser's."""
    asked = request.args.get("lang", "")
    if asked in wording.LANGUAGES:
        return asked
    return "en" if request.accept_languages.best_match(["zh", "en"], default="zh") == "en" else "zh"


def link(values: dict[str, Any]) -> str:
    """Address of the list with these values; a chosen language is kept."""
    kept = {"lang": request.args.get("lang")} | values
    query = urlencode({name: str(value) for name, value in kept.items() if value})
    return url_for(PASSAGES) + (f"?{query}" if query else "")


def _in_language(language: wording.Language) -> str:
    """This page in another language; of an address that is none, the first page."""
    if request.endpoint not in (PASSAGES, KIOSKS):
        return link({"lang": language})
    return f"{url_for(request.endpoint)}?{urlencode(request.args.to_dict() | {'lang': language})}"


def local(at: float) -> datetime:
    """Unix seconds in the pages' time zone."""
    return datetime.fromtimestamp(at, UTC).astimezone(community().zone)
