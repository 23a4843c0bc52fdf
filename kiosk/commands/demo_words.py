"""What the demo itself says beside the product's words, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kiosk import words
from kiosk.model import Verdict
from kiosk.words import LANGUAGES

_SAID: Final[Mapping[str, tuple[str, str]]] = {
    # the live view
    "lamp": ("指示灯", "lamp"),
    "at the gate": ("门前", "at the gate"),
    "nobody": ("门前无人", "nobody at the gate"),
    "somebody": ("有人", "somebody"),
    "released": ("门已放开", "gate released"),
    "time": ("时间", "time"),
    "answer": ("结果", "answer"),
    "who": ("来者", "who"),
    "why": ("原因", "why"),
    "forehead": ("额温", "forehead"),
    "last hour": ("近一小时 {people}", "last hour: {people}"),
    "server holds": ("服务器已收 {count} 条", "server holds {count}"),
    "server silent": ("服务器没有应答", "server: no answer"),
    "all works": ("一切正常", "everything works"),
    "not working": ("故障:{what}", "not working: {what}"),
    "worked again": ("已恢复:{what}", "works again: {what}"),
    "stop": ("Ctrl-C 结束", "Ctrl-C ends it"),
    # a line an event
    "began": ("{part}:{fault}", "{part}: {fault}"),
    "ended": ("{part}恢复正常,历时 {lasted}", "{part}: works again, after {lasted}"),
    "past": ("{part}:{fault}({at},{lasted})", "{part}: {fault} ({at}, {lasted})"),
    "still": ("{part}:{fault}({at} 起)", "{part}: {fault} (since {at})"),
    # beginning and end
    "where": (
        "社区服务器:{address}  (全部为模拟数据 SIMULATED)",
        "community server: {address}  (all data SIMULATED)",
    ),
    "came": (
        "{minutes} 分钟内来了 {people};{passages}:{verdicts}",
        "{people} came within {minutes} min; {passages}: {verdicts}",
    ),
    "judged": ("{minutes} 分钟内,{passages}:{verdicts}", "within {minutes} min {passages}: {verdicts}"),
    "gave up": ("其中 {people}没有等到回应就离开了", "{people} left without an answer"),
    "waiting": ("结束时还有 {people}在等", "{people} still waited at the end"),
    "chain": ("通行记录:链条完好;丢失 {lost}", "journal: the chain verifies; {lost} lost"),
    "chain broken": ("通行记录:链条不完整;丢失 {lost}", "journal: the chain DOES NOT VERIFY; {lost} lost"),
    "held": ("社区服务器收到其中 {count} 条", "community server holds {count} of them"),
    "silent": ("社区服务器没有应答", "community server does not answer"),
    "no faults": ("没有故障", "no faults"),
    "faults": ("{faults}:{what}", "{faults}: {what}"),
    "note": ("说明:{note}", "note: {note}"),
    "no photographs": (
        "没有实拍照片:改用画出的二维码(--photographs 目录)",
        "no photographs: a drawn code was shown instead of a real one (--photographs DIR)",
    ),
    "stopped": ("{name} 已停止:{words}", "{name} has stopped: {words}"),
    "kept": ("已保存在 {folder}", "kept in {folder}"),
    "try": ("可以试试:{command}", "try: {command}"),
    # a camera or a film of one's own
    "own camera": (
        "您的摄像头 {device}:额头、体温计和指示灯均为模拟",
        "your camera {device}; forehead, thermometer, lamp are simulated",
    ),
    "simulated forehead": ("出示者,额头为模拟", "whoever shows it, with a simulated forehead"),
    "photograph it": (
        "演示通行证:用手机拍下,再举到摄像头前(只在这次演示中有效)",
        "a demo pass: photograph it with a phone and hold that up to the camera (valid in this demo only)",
    ),
    "press enter": ("拍好后按回车键开始", "press Enter when you have it"),
    "passes kept": ("通行证图片在 {folder}", "pictures of passes are in {folder}"),
    "frames read": ("{name}:{frames}中读出 {count} 帧", "{name}: a code was read in {count} of {frames}"),
    "damaged": ("  其中 {count} 处损坏", "  {count} damaged places"),
    "more texts": ("  另有 {count} 个文本", "  and {count} more texts"),
    # pictures
    "no code": ("没有读到二维码", "no code read"),
    "unanswered": (
        "没有单独的回应:与刚才的码相同,或陌生码过多",
        "no answer of its own: the same code as a moment ago, or one unknown code too many",
    ),
    "nobody answered": ("没有得到回应", "nobody was answered"),
    "read": (
        "{pictures}中读出 {count} 张(按此摄像头的画面;`kiosk check` 会看原图的每个像素)",
        "{count} of {pictures} read, as this camera sees them (`kiosk check` looks at every pixel)",
    ),
}
_COUNTED: Final[Mapping[str, tuple[str, str, str]]] = {
    "people": ("{n} 人", "{n} person", "{n} people"),
    "passages": ("通行 {n} 次", "{n} passage", "{n} passages"),
    "answers": ("{n} 条", "{n} answer", "{n} answers"),
    "faults": ("故障 {n} 次", "{n} fault", "{n} faults"),
    "pictures": ("{n} 张图片", "{n} picture", "{n} pictures"),
    "frames": ("{n} 帧", "{n} frame", "{n} frames"),
    "seconds": ("{n} 秒", "{n} s", "{n} s"),
}


def said(name: str, language: str, /, **figures: object) -> str:
    """One of the demo's sentences. KeyError: no such sentence, language or figure."""
    return _SAID[name][_place(language)].format(**figures)


def answer(verdict: Verdict, language: str) -> str:
    """A verdict where answers are listed; English readers get the code, which all records and pages quote."""
    return str(verdict) if language == "en" else words.verdict(verdict, language)


def counted(name: str, count: int, language: str) -> str:
    """A number of things: "1 person", "2 people"."""
    chinese, one, many = _COUNTED[name]
    form = {"zh": chinese, "en": one if count == 1 else many}[language]
    return form.format(n=count)


def _place(language: str) -> int:
    if language not in LANGUAGES:
        raise KeyError(language)
    return LANGUAGES.index(language)
