"""One person is one arrival and one passage, however they move, and whatever they hold up."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model import (
    Category,
    Direction,
    Monotonic,
    PassCheck,
    PassId,
    Reason,
    Sample,
    Seconds,
    ThermometerSpec,
)
from kiosk.passage.arrival import (
    AntiPassback,
    CodeFilter,
    CodeJudgement,
    Companions,
    ForeheadWatch,
    Household,
)
from kiosk.policy import EMERGENCY, ROUTINE
from tests.unit.passage.circumstances import native
from tests.unit.passage.foreheads import ALL, DCI, XAA, XCC, Scene, sample, steps, stream

NEW, SAME, LIMITED = CodeJudgement.NEW, CodeJudgement.SAME, CodeJudgement.LIMITED


def at(seconds: float) -> Monotonic:
    return Monotonic(seconds)


# -- foreheads -------------------------------------------------------------------------------------------


def arrivals(spec: ThermometerSpec, scene: Scene, seconds: float, seed: int | None = 1) -> list[float]:
    watch = ForeheadWatch(spec)
    return [word.at for word in stream(spec, scene, seconds, seed=seed) if watch.feed(word)]


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.variant)
@pytest.mark.parametrize("background", [-10.0, 22.0, 31.0])
def test_a_person_is_noticed_once_within_three_samples(spec: ThermometerSpec, background: float) -> None:
    scene = steps((0, background), (30, 34.5), (45, background))
    (noticed,) = arrivals(spec, scene, 80)
    assert 30 <= noticed <= 30 + 3 * spec.settling_s + 0.01


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.variant)
def test_noise_alone_is_nobody(spec: ThermometerSpec) -> None:
    assert arrivals(spec, steps((0, 24.0)), 20_000 * spec.settling_s) == []


def test_two_people_with_a_gap_are_two_arrivals() -> None:
    scene = steps((0, 22), (10, 34.5), (14, 22), (15, 34.0), (19, 22))
    assert len(arrivals(XAA, scene, 25)) == 2


def test_a_person_who_moves_their_head_stays_one_person() -> None:
    # .2 s past the ear, into the hair, back: never three samples of background in a row.
    dips = [(10 + 0.6 * n, 34.5) for n in range(8)] + [(10.4 + 0.6 * n, 22.0) for n in range(8)]
    assert len(arrivals(XAA, steps((0, 22), *sorted(dips), (15, 22)), 25, seed=None)) == 1


def test_who_walks_up_slowly_is_noticed_all_the_same() -> None:
    def coming(seconds: float) -> float:
        return min(34.5, 22 + max(0.0, seconds - 10) * 3)

    assert len(arrivals(XAA, coming, 25, seed=None)) == 1


def test_a_wall_still_warm_from_the_last_person_does_not_hide_the_next() -> None:
    scene = steps((0, 22), (10, 34.5), (14, 22.45), (16, 34.5))
    assert len(arrivals(XAA, scene, 20, seed=None)) == 2


def test_who_waits_for_a_volunteer_stays_one_person_for_a_minute() -> None:
    waiting = steps((0, 22), (100, 34.5))
    assert watched(XAA, waiting, 155).present
    assert not watched(XAA, waiting, 162).present


def test_a_hand_passing_is_nobody() -> None:
    assert arrivals(XAA, steps((0, 22), (10, 31), (10.2, 22)), 20, seed=None) == []


def test_a_noisy_part_needs_more_than_a_degree() -> None:
    near = steps((0, 24), (10, 25.06), (12, 24))
    assert len(arrivals(XAA, near, 20, seed=None)) == 1
    assert arrivals(XCC, near, 20, seed=None) == []


def watched(spec: ThermometerSpec, scene: Scene, seconds: float) -> ForeheadWatch:
    watch = ForeheadWatch(spec)
    for word in stream(spec, scene, seconds, seed=None):
        watch.feed(word)
    return watch


def test_the_background_is_what_was_there_before_the_person() -> None:
    watch = watched(XAA, steps((0, 22), (10, 34.5)), 40)
    assert watch.present
    assert watch.background == pytest.approx(22, abs=0.02)


def test_nothing_is_known_of_the_background_before_three_samples() -> None:
    watch = ForeheadWatch(DCI)
    for number in range(2):
        watch.feed(sample(number, 22.0))
    assert watch.background is None
    watch.feed(sample(2, 22.0))
    assert watch.background == pytest.approx(22, abs=0.01)


def test_the_background_follows_the_day() -> None:
    def warming(seconds: float) -> float:
        return 18 + seconds / 200

    assert arrivals(XAA, warming, 1000) == []
    assert watched(XAA, warming, 1000).background == pytest.approx(23, abs=0.1)


def test_the_sun_on_a_wall_is_taken_for_a_person_once_and_then_for_a_wall() -> None:
    scene = steps((0, 22), (10, 30), (300, 34.5))
    assert arrivals(XAA, scene, 310) == [pytest.approx(10.2), pytest.approx(300.2)]


def test_who_stands_there_at_the_start_is_not_background_for_ever() -> None:
    scene = steps((0, 34.5), (10, 22), (20, 34.5))
    assert arrivals(XAA, scene, 25) == [pytest.approx(20.2)]


def test_something_cold_held_before_the_sensor_costs_at_most_one_false_arrival() -> None:
    scene = steps((0, 22), (10, 4), (12, 22))
    assert len(arrivals(XAA, scene, 100)) <= 1
    watch = watched(XAA, scene, 100)
    assert not watch.present
    assert watch.background == pytest.approx(22, abs=0.02)


def test_a_sensor_that_came_back_learns_anew() -> None:
    watch = watched(XAA, steps((0, 22), (10, 34.5)), 12)
    watch.forget()
    assert (watch.present, watch.background) == (False, None)


@given(st.lists(st.floats(-60, 90), max_size=60), st.sampled_from(ALL))
def test_whatever_is_seen_an_arrival_needs_three_warm_samples_in_a_row(
    seen: list[float], spec: ThermometerSpec
) -> None:
    watch = ForeheadWatch(spec)
    row: list[Sample] = []
    for number, celsius in enumerate(seen):
        word = sample(number * spec.settling_s, celsius)
        before, present = watch.background, watch.present
        row = [*row, word][-3:]
        if watch.feed(word):
            assert not present
            assert before is not None
            assert all(one.object_celsius > before + spec.detection_c for one in row)


# -- codes -----------------------------------------------------------------------------------------------


def test_a_phone_left_before_the_camera_is_one_passage() -> None:
    codes = CodeFilter()
    judged = [codes.judge("a", True, at(frame / 10), False) for frame in range(300)]
    assert judged == [NEW] + [SAME] * 299


def test_the_same_code_counts_again_five_seconds_after_it_was_gone() -> None:
    codes = CodeFilter()
    assert codes.judge("a", True, at(0), False) is NEW
    assert codes.judge("a", True, at(4.9), False) is SAME
    assert codes.judge("a", True, at(9.8), False) is SAME
    assert codes.judge("a", True, at(14.8), False) is NEW


def test_the_same_code_with_a_new_forehead_is_the_next_in_the_family() -> None:
    codes = CodeFilter()
    codes.judge("a", True, at(0), False)
    assert codes.judge("a", True, at(2), True) is NEW
    assert codes.judge("a", True, at(2.1), False) is SAME


def test_two_codes_in_one_picture_do_not_take_turns() -> None:
    codes = CodeFilter()
    judged = [codes.judge("ab"[frame % 2], True, at(frame / 10), False) for frame in range(60)]
    assert judged == [NEW, NEW] + [SAME] * 58


def test_a_phone_that_plays_codes_gets_one_referral_in_five_seconds_and_the_rest_is_counted() -> None:
    codes = CodeFilter()
    judged = [codes.judge(f"toy{frame}", False, at(frame / 30), False) for frame in range(30 * 12)]
    assert [number / 30 for number, one in enumerate(judged) if one is NEW] == [0.0, 5.0, 10.0]
    assert judged.count(LIMITED) == 357
    # The first one was limited after 1/30 s: its minute ends then.
    assert codes.take_count(at(60)) is None
    assert codes.take_count(at(60.04)) == 357
    assert codes.take_count(at(61)) is None


def test_an_unknown_code_held_still_is_counted_once_not_once_a_frame() -> None:
    codes = CodeFilter()
    codes.judge("first", False, at(0), False)
    for frame in range(40):
        assert codes.judge("second", False, at(1 + frame / 10), False) is LIMITED
    assert codes.judge("second", False, at(5.1), False) is NEW
    assert codes.take_count(at(6), final=True) == 1


def test_a_person_with_a_pass_is_answered_while_somebody_plays_codes() -> None:
    codes = CodeFilter()
    codes.judge("toy1", False, at(0), False)
    codes.judge("toy2", False, at(0.1), False)
    assert codes.judge("pass", True, at(0.2), False) is NEW


def test_with_nothing_limited_there_is_nothing_to_count() -> None:
    codes = CodeFilter()
    codes.judge("a", True, at(0), False)
    assert codes.take_count(at(1000)) is None
    assert codes.take_count(at(1000), final=True) is None


def test_a_flood_of_codes_does_not_fill_the_memory() -> None:
    codes = CodeFilter()
    for number in range(5000):
        codes.judge(str(number), True, at(0), False)
    assert len(codes._seen) == CodeFilter.MEMORY
    assert codes.judge("4999", True, at(0), False) is SAME


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.floats(0, 3), st.booleans()), max_size=60)
)
def test_however_codes_come_bad_ones_are_answered_at_most_once_in_five_seconds(
    shown: list[tuple[str, bool, float, bool]],
) -> None:
    codes, now = CodeFilter(), 0.0
    answered: list[float] = []
    for token, known, pause, forehead in shown:
        now += pause
        verdict = codes.judge(token, known, at(now), forehead)
        assert not (verdict is LIMITED and known)
        assert not (verdict is SAME and forehead)
        if verdict is NEW and not known:
            answered.append(now)
    assert all(later - earlier >= 5 for earlier, later in pairwise(answered))


# -- companions ------------------------------------------------------------------------------------------

FAMILY = native(category=Category.HOUSEHOLD)


def test_four_may_follow_a_household_pass_for_a_minute() -> None:
    companions = Companions()
    companions.admitted(FAMILY, "GP1:", ROUTINE, at(10))
    assert [companions.take(at(11)) for _ in range(5)] == [Household(FAMILY, "GP1:")] * 4 + [None]

    companions.admitted(FAMILY, "GP1:", ROUTINE, at(100))
    assert companions.waiting(at(159.9)) == 4
    assert companions.take(at(160)) is None


def test_looking_uses_nothing_up() -> None:
    companions = Companions()
    companions.admitted(FAMILY, "GP1:", ROUTINE, at(0))
    assert [companions.peek(at(1)) for _ in range(9)] == [Household(FAMILY, "GP1:")] * 9
    assert companions.waiting(at(1)) == 4


@pytest.mark.parametrize("category", [one for one in Category if one is not Category.HOUSEHOLD])
def test_nobody_follows_any_other_pass(category: Category) -> None:
    companions = Companions()
    companions.admitted(native(category=category), "GP1:", ROUTINE, at(0))
    companions.admitted(PassCheck("opaque", Reason.PASS_UNKNOWN, "toy"), "GP1:", ROUTINE, at(0))
    assert companions.take(at(1)) is None


def test_in_emergency_mode_nobody_follows() -> None:
    companions = Companions()
    companions.admitted(FAMILY, "GP1:", EMERGENCY, at(0))
    assert companions.take(at(1)) is None


def test_a_queue_can_not_follow_one_phone_for_ever() -> None:
    """Each ADMIT of a follower is an ADMIT of the same pass; it must not open new places."""
    companions, through = Companions(), 0
    companions.admitted(FAMILY, "GP1:", ROUTINE, at(0))
    for second in range(1, 59):
        household = companions.take(at(second))
        if household is not None:
            through += 1
            companions.admitted(household.check, "GP1:", ROUTINE, at(second))
    assert through == 4


def test_the_newest_family_counts_and_places_are_not_added_up() -> None:
    companions = Companions()
    other = replace(FAMILY, token="other")
    companions.admitted(FAMILY, "GP1:", ROUTINE, at(0))
    companions.admitted(other, "GP1:", ROUTINE, at(5))
    assert [companions.take(at(6)) for _ in range(5)] == [Household(other, "GP1:")] * 4 + [None]


def test_a_stricter_mode_withdraws_the_places() -> None:
    companions = Companions()
    companions.admitted(FAMILY, "GP1:", ROUTINE, at(0))
    companions.forget()
    assert companions.take(at(1)) is None


# -- the same pass again -----------------------------------------------------------------------------------

PASS = PassId("0011223344556677")
WINDOW = Seconds(120)


def test_a_pass_handed_back_over_the_fence_is_noticed_for_two_minutes() -> None:
    memory = AntiPassback()
    assert not memory.blocks(PASS, Direction.IN, at(0), WINDOW)
    memory.admitted(PASS, Direction.IN, at(1000))
    assert memory.blocks(PASS, Direction.IN, at(1119.9), WINDOW)
    assert not memory.blocks(PASS, Direction.IN, at(1120), WINDOW)


def test_the_other_way_and_other_passes_are_free() -> None:
    memory = AntiPassback()
    memory.admitted(PASS, Direction.IN, at(0))
    assert not memory.blocks(PASS, Direction.OUT, at(1), WINDOW)
    assert not memory.blocks(PassId("ffff"), Direction.IN, at(1), WINDOW)


def test_where_the_way_is_not_known_nobody_is_stopped() -> None:
    memory = AntiPassback()
    memory.admitted(PASS, Direction.BOTH, at(0))
    assert not memory.blocks(PASS, Direction.BOTH, at(1), WINDOW)


def test_the_memory_of_passes_is_bounded_and_forgets_the_oldest() -> None:
    memory = AntiPassback()
    for number in range(AntiPassback.MEMORY + 1):
        memory.admitted(PassId(f"{number:016x}"), Direction.IN, at(0))
    assert len(memory._admitted) == AntiPassback.MEMORY
    assert not memory.blocks(PassId(f"{0:016x}"), Direction.IN, at(1), WINDOW)
    assert memory.blocks(PassId(f"{AntiPassback.MEMORY:016x}"), Direction.IN, at(1), WINDOW)
