"""What the product says to people, in Chinese and in English, each written for its reader.

Polite, short, no blame, no jargon. A referral for temperature never says fever. Reasons are for
volunteers and records; what the person at the gate hears are the prompts alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from kiosk.model import Light, Prompt, Reason, Screening, Verdict

LANGUAGES: Final = ("zh", "en")


class Words(NamedTuple):
    """One thing said twice. The fields are named as the languages are."""

    zh: str
    en: str


def reason(which: Reason, language: str) -> str:
    """A reason for volunteers, and where it helps, what to do. KeyError: no such language."""
    return _in(_REASONS[which], language)


def prompt(which: Prompt, language: str) -> str:
    """What the speaker says to the person. KeyError: no such language."""
    return _in(_PROMPTS[which], language)


def verdict(which: Verdict, language: str) -> str:
    """A verdict in a word or two. KeyError: no such language."""
    return _in(_VERDICTS[which], language)


def light(which: Light, language: str) -> str:
    """What the lamp means, in a word or two. KeyError: no such language."""
    return _in(_LIGHTS[which], language)


def rhythm(which: Light, language: str) -> str:
    """What the lamp looks like, for those who must tell one light from another without colour."""
    return _in(_RHYTHMS[which], language)


def screening(which: Screening, language: str) -> str:
    """The result of a reading, or why there is none. KeyError: no such language."""
    return _in(_SCREENINGS[which], language)


def part(name: str, language: str) -> str:
    """A part of the gate (kiosk.health); one that this version does not know keeps its name."""
    return _in(_PARTS[name], language) if name in _PARTS else name


def fault(code: str, language: str) -> str:
    """What is wrong with a part, to be read after its name; an unknown code is said as it is."""
    return _in(_FAULTS[code], language) if code in _FAULTS else code


def _in(words: Words, language: str) -> str:
    if language not in LANGUAGES:
        raise KeyError(f"no words in {language!r}, only in {', '.join(LANGUAGES)}")
    return words.zh if language == "zh" else words.en


_PROMPTS: Final[Mapping[Prompt, Words]] = {
    Prompt.SHOW_PASS: Words("请出示通行证", "Please show your pass"),
    Prompt.HOLD_STILL: Words("请稍等,正在测温", "Please hold still"),
    Prompt.GO_AHEAD: Words("请通行,谢谢配合", "Thank you, please go ahead"),
    Prompt.WAIT_FOR_VOLUNTEER: Words("请稍候,志愿者来帮您", "One moment, a volunteer will help you"),
    Prompt.UNCOVER_FOREHEAD: Words("请露出额头", "Please uncover your forehead"),
    Prompt.COME_CLOSER: Words("请靠近一点", "A little closer, please"),
    Prompt.COLD_OUTSIDE: Words("室外温度低,请志愿者测温", "It is cold outside: a volunteer will measure"),
    Prompt.NOT_ADMITTED: Words("抱歉,此通行证不能在此通行", "Sorry, this pass can't be used here"),
    Prompt.GO_ELSEWHERE: Words("请从其他入口通行,详见告示", "Please use another gate: see the notice"),
    Prompt.STEP_BACK: Words("请退后一步,再靠近", "Please take one step back, then come closer"),
    Prompt.KEEP_DISTANCE: Words("请保持两米距离", "Please keep two metres apart"),
}

_VERDICTS: Final[Mapping[Verdict, Words]] = {
    Verdict.ADMIT: Words("放行", "Admitted"),
    Verdict.REFER: Words("请志愿者处理", "For a volunteer"),
    Verdict.REFUSE: Words("不予通行", "Not admitted"),
}

_LIGHTS: Final[Mapping[Light, Words]] = {
    Light.DARK: Words("未运行", "Not running"),
    Light.IDLE: Words("待机", "Ready"),
    Light.HOLD_STILL: Words("请勿移动", "Hold still"),
    Light.ADMIT: Words("请通行", "Go ahead"),
    Light.REFER: Words("请稍候", "Please wait"),
    Light.REFUSE: Words("不能通行", "Not admitted"),
    Light.FAULT: Words("故障", "Fault"),
}

_RHYTHMS: Final[Mapping[Light, Words]] = {
    Light.DARK: Words("不亮", "dark"),
    Light.IDLE: Words("红灯每 3 秒短闪一次", "one short red blip every 3 s"),
    Light.HOLD_STILL: Words("红灯双闪", "double red blip"),
    Light.ADMIT: Words("绿灯亮 2 秒", "green for 2 s"),
    Light.REFER: Words("红灯慢闪 4 秒", "slow red blink for 4 s"),
    Light.REFUSE: Words("红灯快闪 3 秒", "fast red blink for 3 s"),
    Light.FAULT: Words("红灯常亮", "steady red"),
}

_SCREENINGS: Final[Mapping[Screening, Words]] = {
    Screening.NORMAL: Words("额温正常", "Forehead as usual"),
    Screening.GUARD: Words("额温略高", "Forehead a little warm"),
    Screening.HIGH: Words("额温偏高", "Forehead reads high"),
    Screening.ENVIRONMENT: Words("环境不宜测温", "Surroundings not fit for measuring"),
    Screening.RETRY: Words("未测到", "No usable reading"),
    Screening.UNCOMMISSIONED: Words("本门尚未标定", "Gate not commissioned"),
    Screening.DRIFT: Words("读数漂移", "Readings have drifted"),
    Screening.SENSOR_FAULT: Words("测温故障", "Thermometer fault"),
    Screening.SENSOR_STUCK: Words("测温读数不变", "Thermometer stuck"),
    Screening.NOT_REQUIRED: Words("无需测温", "No reading needed"),
}

_REASONS: Final[Mapping[Reason, Words]] = {
    Reason.PASS_VALID: Words("通行证有效", "The pass is valid"),
    Reason.COMPANION: Words("与持家庭通行证者同行", "Came with the holder of a household pass"),
    Reason.TEMPERATURE_NORMAL: Words("额温正常", "Forehead as usual"),
    Reason.TEMPERATURE_GUARD: Words("额温略高,已标记", "Forehead a little warm, flagged"),
    Reason.TEMPERATURE_SUSPENDED: Words(
        "环境不宜测温,按规定只验通行证",
        "Surroundings not fit for measuring: by policy the pass alone decides",
    ),
    Reason.TEMPERATURE_NOT_REQUIRED: Words("此方向无需测温", "No reading is needed this way"),
    Reason.NO_CODE: Words("没有看到通行证,请查看证件", "No pass was seen. Please ask for it"),
    Reason.NOT_ASCII: Words(
        "二维码内容不是通行证,请查看证件", "The code is not a pass. Please look at the card itself"
    ),
    Reason.PASS_TOO_LONG: Words("二维码内容过长,不是通行证", "The code holds too much to be a pass"),
    Reason.PASS_UNKNOWN: Words("不认识的通行证,请查看证件", "Unknown pass. Please look at the card itself"),
    Reason.BAD_BASE45: Words(
        "通行证读不完整,请换一张清晰的", "The pass is damaged (text). Please ask for a clear one"
    ),
    Reason.BAD_CBOR: Words(
        "通行证内容损坏,请换一张", "The pass is damaged (content). Please ask for a new one"
    ),
    Reason.BAD_COSE: Words("通行证格式不对,请换一张", "The pass is damaged (form). Please ask for a new one"),
    Reason.KEY_UNKNOWN: Words(
        "发证单位不在名单上,请查看证件", "Its issuer is not on the list. Please look at the card itself"
    ),
    Reason.ALG_MISMATCH: Words("签名方式与发证单位不符", "Not signed in the way its issuer signs"),
    Reason.KEY_OUTSIDE_WINDOW: Words(
        "发证密钥当前不在有效期内", "Its issuer's key is not in force at this time"
    ),
    Reason.KEY_REVOKED: Words(
        "发证密钥已作废,请到办公室换证", "Its issuer's key was withdrawn. A new pass is needed"
    ),
    Reason.BAD_SIGNATURE: Words(
        "签名不符,此证不能用", "The signature does not hold: this pass can't be used"
    ),
    Reason.BAD_CLAIMS: Words("通行证内容缺失或有误", "The pass lacks something, or holds what it must not"),
    Reason.EXTRA_CLAIMS: Words(
        "通行证含有本门不认识的内容,请查看证件",
        "The pass says more than this gate understands. Please look at it",
    ),
    Reason.ISSUER_MISMATCH: Words(
        "签名者不是所写的发证单位", "Signed by somebody other than the issuer it names"
    ),
    Reason.EXPIRED: Words("通行证已过期,请到办公室换证", "The pass has expired. A new one is needed"),
    Reason.NOT_YET_VALID: Words("通行证尚未生效", "The pass is not valid yet"),
    Reason.TIME_UNCERTAIN: Words(
        "本门时间未确认,请核对有效期", "This gate is not sure of the time. Please check the dates on the pass"
    ),
    Reason.ISSUER_NOT_ALLOWED: Words(
        "发证单位无权发此类通行证", "Its issuer may not issue this kind of pass here"
    ),
    Reason.LIFE_TOO_LONG: Words("有效期超过发证单位的权限", "Valid for longer than its issuer may grant"),
    Reason.STATUS_UNKNOWN: Words(
        "查不到此证状态,请联系办公室", "Its status is not known here. Please ask the office"
    ),
    Reason.REVOKED: Words("通行证已注销", "The pass was revoked"),
    Reason.HELD: Words(
        "此证暂停使用,请按名单处理", "The pass is on hold. Please follow the hold's instructions"
    ),
    Reason.WRONG_GATE: Words("此证不适用于本门", "The pass is for another gate"),
    Reason.OUTSIDE_WINDOW: Words("不在此证允许的时段", "Outside the days or hours of this pass"),
    Reason.ANTI_PASSBACK: Words(
        "此证刚刚用过,请核对本人", "This pass was used a moment ago. Please check who holds it"
    ),
    Reason.NO_TRUST: Words(
        "本门没有可信名单,请人工核验", "This gate has no signed lists. Please check passes by eye"
    ),
    Reason.LISTS_TOO_OLD: Words("名单过旧,请人工核验", "The lists are too old. Please check passes by eye"),
    Reason.CATEGORY_SHUT_OUT: Words(
        "当前管控下此类人员不得通行", "People with this kind of pass are shut out now"
    ),
    Reason.GATE_CLOSED: Words("本门现已关闭", "This gate is closed now"),
    Reason.HOURS_UNCERTAIN: Words(
        "本门时间未确认,请核对是否在开放时间",
        "This gate is not sure of the time. Please check whether it should be open now",
    ),
    Reason.JOURNAL_FAULT: Words(
        "无法保存记录,请手工登记", "Records can't be written. Please write the passage down by hand"
    ),
    Reason.CALLED: Words("有人按铃求助", "Somebody pressed the call button"),
    Reason.TEMPERATURE_HIGH: Words(
        "额温偏高,请用耳温枪复测", "Forehead reads high. Please measure again with the ear thermometer"
    ),
    Reason.MEASURE_BY_HAND: Words(
        "环境不宜自动测温,请用耳温枪测量",
        "Surroundings not fit for the gate's thermometer. Please measure with the ear thermometer",
    ),
    Reason.NO_READING: Words(
        "未测到额温,请用耳温枪测量", "No usable reading. Please measure with the ear thermometer"
    ),
    Reason.UNCOMMISSIONED: Words(
        "本门尚未标定,请用耳温枪测量",
        "This gate is not commissioned. Please measure with the ear thermometer",
    ),
    Reason.DRIFT: Words(
        "测温读数漂移,请用耳温枪测量并检查探头",
        "Readings have drifted. Please measure with the ear thermometer and check the sensor",
    ),
    Reason.SENSOR_FAULT: Words(
        "测温探头故障,请用耳温枪测量",
        "The thermometer does not work. Please measure with the ear thermometer",
    ),
    Reason.SENSOR_STUCK: Words(
        "测温读数不变,请用耳温枪测量并检查探头",
        "The thermometer is stuck. Please measure with the ear thermometer and check the sensor",
    ),
}

_PARTS: Final[Mapping[str, Words]] = {
    "camera": Words("摄像头", "camera"),
    "thermometer": Words("测温探头", "thermometer"),
    "air": Words("气温计", "air thermometer"),
    "outdoor": Words("室外气温计", "outdoor thermometer"),
    "outdoor_entry": Words("录入的室外气温", "outdoor temperature entered"),
    "button": Words("呼叫按钮", "call button"),
    "speaker": Words("扬声器", "speaker"),
    "journal": Words("通行记录", "journal"),
    "disk": Words("存储", "disk"),
    "chain": Words("历史记录", "older records"),
    "directory": Words("名单", "signed lists"),
    "environment": Words("测温环境", "surroundings"),
    "screening": Words("测温判断", "judging of readings"),
    "baseline": Words("基线存档", "saved baseline"),
    "clock": Words("时钟", "clock"),
    "secret": Words("本机密钥", "device's secret"),
    "floor": Words("时间存档", "saved time"),
    "server": Words("社区服务器", "community server"),
}

_FAULTS: Final[Mapping[str, Words]] = {
    # devices
    "DEVICE": Words("工作不正常", "does not work as it should"),
    "DEVICE_ABSENT": Words("未连接", "not connected"),
    "DEVICE_PERMISSION": Words("无权使用", "may not be used by this program"),
    "DEVICE_BUSY": Words("被其他程序占用", "in use by another program"),
    "DEVICE_STALLED": Words("没有数据", "delivers nothing"),
    "DECODER": Words("解码失败", "pictures can't be decoded"),
    "PROMPTS_MISSING": Words("缺少语音文件,以提示音代替", "lacks speech files: tones instead"),
    "SENSOR_FAULT": Words("数据错误", "delivers errors"),
    "SENSOR_STUCK": Words("读数不变", "always delivers the same"),
    # journal and disk
    "DISK_FULL": Words("磁盘已满", "the disk is full"),
    "JOURNAL": Words("无法写入", "can't be written"),
    "JOURNAL_DAMAGED": Words("已损坏或被改动", "damaged or changed"),
    "JOURNAL_SLOW": Words("写入太慢", "takes too long to write"),
    "JOURNAL_LOCKED": Words("被另一程序占用", "written by another program"),
    # lists
    "DIRECTORY_MISSING": Words("尚未收到", "not there yet"),
    "TRUST": Words("签名或内容不符", "refused: not as it was signed"),
    "TRUST_EXPIRED": Words("信任名单已过期", "the trust list has expired"),
    "LISTS_TOO_OLD": Words("过旧", "too old"),
    # time and secrets
    "CLOCK_UNTRUSTED": Words("时间未确认", "time not proven"),
    "FLOOR_NOT_SAVED": Words("无法保存", "can't be saved"),
    "SECRET_DAMAGED": Words("已损坏,已重新生成", "was damaged and made anew"),
    "UNSAFE_PERMISSIONS": Words("其他用户可读", "open to other users"),
    # surroundings
    "AMBIENT_COLD": Words("室内太冷", "too cold for measuring"),
    "AMBIENT_HOT": Words("室内太热", "too warm for measuring"),
    "OUTDOORS_COLD": Words("室外太冷", "too cold outdoors for measuring"),
    "OUTDOORS_UNKNOWN": Words("室外气温未知", "nobody knows how cold it is outdoors"),
    "DIE_FAR_FROM_AIR": Words("探头被晒热或冷却", "the sensor is far from the air's temperature"),
    "AMBIENT_CHANGING": Words("气温变化太快", "the temperature changes too fast"),
    "OUTDOOR_ENTRY_DAMAGED": Words("录入的数据已损坏", "the file is damaged"),
    "UNCOMMISSIONED": Words("尚未完成现场标定", "nobody has found out yet what is normal here"),
    "DRIFT": Words("读数整体偏移,请用参考源核对", "all readings have shifted: check with a reference"),
    "BASELINE_DAMAGED": Words("已损坏,重新开始", "was damaged and begun anew"),
    "BASELINE_NOT_SAVED": Words("无法写入文件", "can't be written to its file"),
    "CALIBRATION_OLD": Words("校准已过期", "the calibration is over a year old"),
    # the demo's server
    "SERVER_GONE": Words("没有应答", "does not answer"),
}
