"""The pages' own words in Chinese and English, each written by hand. Those of the gate are in kiosk.words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from kiosk import words
from kiosk.model import Direction, Reason, Verdict

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")

_PAGE: Final[Mapping[str, tuple[str, str]]] = {
    "server": ("社区服务器", "Community server"),
    "passages": ("通行记录", "Passages"),
    "kiosks": ("通行终端", "Kiosks"),
    "simulated": ("模拟 SIMULATED", "SIMULATED"),
    "simulated_here": (
        "SIMULATED · 本服务器有模拟终端,其记录不是真实通行",
        "SIMULATED · this server has simulated kiosks: their records are not of real people",
    ),
    "as_of": ("更新于", "As of"),
    "refresh": ("刷新", "Refresh"),
    "filter": ("筛选", "Filter"),
    "all": ("全部", "All"),
    "gate": ("门岗", "Gate"),
    "every_gate": ("所有门岗", "All gates"),
    "show": ("显示", "Show"),
    "older": ("更早的记录", "Older"),
    "newest": ("回到最新", "Back to the newest"),
    "none": ("没有符合条件的记录。", "No passages match."),
    "none_at_all": (
        "还没有收到通行记录。终端连上后会自动送来。",
        "No passages yet. They arrive by themselves once a kiosk is connected.",
    ),
    "no_kiosks": ("还没有终端联系过本服务器。", "No kiosk has spoken to this server yet."),
    "clock_unsure": ("终端时间未确认,按到达时间排列", "kiosk's clock not proven; sorted by arrival"),
    "now": ("刚刚", "just now"),
    "minutes_ago": ("分钟前", "min ago"),
    "forks_label": ("与已存内容冲突的记录", "Records that contradict what is stored"),
    "forks": (
        "已另存。请管理员检查该终端是否被复制或还原过。",
        "They are kept apart. An admin should check whether that kiosk was cloned or restored.",
    ),
    "rejected_label": ("格式有误的记录", "Records that could not be read"),
    "rejected": (
        "这里只留存根,原文仍在终端里。请管理员查看“通行终端”。",
        "A stub stands here, the text waits on the kiosk. An admin should look at “Kiosks”.",
    ),
    "name": ("终端", "Kiosk"),
    "heard": ("最近联系", "Last heard"),
    "silent": ("失联", "Silent"),
    "talking": ("在线", "In touch"),
    "events": ("已收到记录", "Records received"),
    "pending": ("待发送", "Still to come"),
    "clock": ("时钟误差", "Clock is off by"),
    "fork_count": ("冲突", "Contradicting"),
    "rejected_count": ("有误", "Unreadable"),
    "seconds": ("秒", "s"),
    "unknown": ("未知", "not known"),
    "back": ("回到通行记录", "Back to the passages"),
}
_PROBLEMS: Final[Mapping[str, tuple[str, str]]] = {
    "NOT_FOUND": ("没有这个页面。", "There is no such page."),
    "QUERY_WRONG": (
        "看不懂这个地址里的筛选条件。",
        "This address asks the list for something that it does not have.",
    ),
    "METHOD_WRONG": ("这个页面只能查看。", "This page can only be looked at."),
    "LOGIN_REQUIRED": (
        "页面目前只能在服务器本机上查看。",
        "For now, pages are shown on the server itself only.",
    ),
    "HOST_UNKNOWN": ("本服务器不使用这个名称。", "This server does not answer to that name."),
    "STORE_UNAVAILABLE": (
        "服务器现在读不到数据,请稍后再试。",
        "The server can't reach its data now. Please try again in a moment.",
    ),
    "INTERNAL": (
        "服务器出错,已记入日志。请稍后再试。",
        "Something went wrong and has been logged. Please try again.",
    ),
}
_OTHER_PROBLEM: Final = ("这个请求无法处理。", "This request can't be answered.")
_DIRECTIONS: Final[Mapping[str, tuple[str, str]]] = {
    Direction.IN: ("进", "in"),
    Direction.OUT: ("出", "out"),
    Direction.BOTH: ("进出", "in or out"),
}
ICONS: Final[Mapping[Verdict, str]] = {Verdict.ADMIT: "✓", Verdict.REFER: "?", Verdict.REFUSE: "✕"}


def page(language: Language) -> dict[str, str]:
    """All words of the pages in one language."""
    return {name: _one(both, language) for name, both in _PAGE.items()}


class Words:
    """What a template asks for. A code this program does not know is shown as it is."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def verdict(self, verdict: Verdict) -> str:
        """ADMIT, REFER, REFUSE in a word."""
        return words.verdict(verdict, self._language)

    def icon(self, verdict: Verdict) -> str:
        """The same as a sign."""
        return ICONS[verdict]

    def reason(self, code: str) -> str:
        """A reason in a sentence."""
        return words.reason(Reason(code), self._language) if code in set(Reason) else code

    def problem(self, code: str) -> str:
        """What went wrong with a page, and what it means for its reader."""
        return _one(_PROBLEMS.get(code, _OTHER_PROBLEM), self._language)

    def direction(self, direction: str) -> str:
        """Which way people go at that gate; nothing when it never said."""
        return _one(_DIRECTIONS[direction], self._language) if direction in _DIRECTIONS else ""


def _one(both: tuple[str, str], language: Language) -> str:
    return both[LANGUAGES.index(language)]
