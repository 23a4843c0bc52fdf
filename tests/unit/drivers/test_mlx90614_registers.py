"""Every vector of the shared data set: checksums, words, bad words, config1, settling times."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mlx90614 import SPECS
from drivers.mlx90614_registers import Config1, measured, pec_of_read, pec_of_write, word_of
from drivers.mlx90614_variants import SETTLING, objection, variants_of
from kiosk.errors import SensorError, WrongChecksum
from kiosk.model import RawWord, word_to_celsius
from tests.unit.passage.test_corrections import vectors


def number(vector: dict[str, Any], key: str) -> int:
    return int(vector[key], 16)


def answer(vector: dict[str, Any]) -> bytes:
    """The three bytes of the vector."""
    word = number(vector, "word")
    return bytes((word & 0xFF, word >> 8, number(vector, "pec")))


# -- checksums and words -----------------------------------------------------------------------------------


@pytest.mark.conformance
def test_every_printed_checksum_of_a_read_and_of_a_write() -> None:
    kinds = set()
    for vector in vectors("datasheet_printed"):
        kinds.add(vector["kind"])
        address, command = number(vector, "sa"), number(vector, "cmd")
        if vector["kind"] == "read":
            got = pec_of_read(address, command, *answer(vector)[:2])
        elif vector["kind"] == "write":
            got = pec_of_write(address, command, answer(vector)[:2])
        else:
            got = pec_of_write(address, command)
        assert got == number(vector, "pec"), vector
    assert kinds == {"read", "write", "sleep"}


@pytest.mark.conformance
def test_every_emissivity_word_has_the_checksum_with_which_it_would_be_written() -> None:
    for vector in vectors("emissivity_register"):
        word = number(vector, "word")
        assert pec_of_write(0x5A, 0x24, (word & 0xFF, word >> 8)) == number(vector, "write_pec_sa5A_cmd24")
        assert word == round(vector["emissivity"] * 0xFFFF)


@pytest.mark.conformance
def test_every_read_vector_is_accepted_and_is_its_temperature() -> None:
    for vector in vectors("read_vectors"):
        word = measured(word_of(answer(vector), number(vector, "sa"), number(vector, "cmd")))
        assert word == number(vector, "word")
        assert word_to_celsius(word) == pytest.approx(vector["celsius"], abs=0.0051), vector


@pytest.mark.conformance
def test_every_printed_conversion_is_a_temperature_that_can_be() -> None:
    for vector in vectors("conversion_printed"):
        assert measured(RawWord(number(vector, "word"))) == number(vector, "word")


KINDS = {"SensorErrorFlag": "error flag", "PecError": "PEC", "OutOfRange": "out of range"}


@pytest.mark.conformance
def test_every_bad_read_is_refused_for_its_own_reason() -> None:
    seen = set()
    for vector in vectors("bad_reads"):
        kind, computed = re.match(r"(\w+)(?: \(computed (0x..)\))?", vector["expect"]).groups()  # type: ignore[union-attr]
        seen.add(kind)
        with pytest.raises(SensorError, match=KINDS[kind]) as refused:
            measured(word_of(answer(vector), number(vector, "sa"), number(vector, "cmd")))
        assert isinstance(refused.value, WrongChecksum) is (kind == "PecError")
        assert computed is None or computed in str(refused.value), vector
    assert seen == set(KINDS)


@given(st.integers(0, 0xFFFF))
def test_a_word_is_a_temperature_between_minus_70_and_382_degrees_or_refused(word: int) -> None:
    if 0x27AD <= word <= 0x7FFF:
        assert -70.02 < word_to_celsius(measured(RawWord(word))) < 382.2
    else:
        with pytest.raises(SensorError):
            measured(RawWord(word))


@given(st.binary(min_size=2, max_size=2), st.integers(0, 255), st.integers(8, 0x77), st.integers(0, 0x3F))
def test_of_all_checksums_one_is_right(pair: bytes, pec: int, address: int, command: int) -> None:
    right = pec_of_read(address, command, *pair)
    if pec == right:
        assert word_of(bytes((*pair, pec)), address, command) == int.from_bytes(pair, "little")
    else:
        with pytest.raises(WrongChecksum):
            word_of(bytes((*pair, pec)), address, command)


# -- config1 -----------------------------------------------------------------------------------------------


@pytest.mark.conformance
def test_every_config1_vector() -> None:
    for vector in vectors("config1"):
        config1 = Config1(number(vector, "word"))
        got = (config1.iir, config1.fir, config1.gain, config1.dual, config1.mode)
        assert got == tuple(vector[key] for key in ("iir_bits", "fir_bits", "gain_bits", "dual", "mode"))
        assert SETTLING[config1.iir, config1.fir][0] == vector["settle_single_s"]


@pytest.mark.conformance
def test_the_settling_table_is_the_data_sheets() -> None:
    table = vectors("settling_table")
    assert len(table) == len(SETTLING) == 32
    for row in table:
        assert SETTLING[row["iir_bits"], row["fir_bits"]] == (
            row["settle_single_s"],
            row["settle_dual_or_xC_s"],
        )
        config1 = Config1(row["fir_bits"] << 8 | row["iir_bits"])
        assert (config1.iir_percent, config1.fir_samples) == (row["iir_pct"], row["fir"])


def filters() -> list[Config1]:
    """Every filter there is."""
    return [Config1(dual << 6 | fir << 8 | iir) for dual in (0, 1) for fir in range(8) for iir in range(8)]


def test_every_variant_is_told_by_filters_that_settle_as_it_does() -> None:
    """A fifth for the H and I optics: the data sheet gives .65 s, and no entry of its table is that."""
    for variant, spec in SPECS.items():
        known = [config1 for config1 in filters() if variant in variants_of(config1)]
        assert known, variant
        for config1 in known:
            times = SETTLING[config1.iir, config1.fir]
            near = (0.2 if variant[1:] in ("CH", "CI") else 0.0) * spec.settling_s + 1e-9
            assert any(abs(time - spec.settling_s) <= near for time in times), variant


@pytest.mark.parametrize("word", [0x9EB6, 0x9FB6, 0x9FB5, 0x9EB0, 0x9DB0, 0x9EB7, 0x9DB7])
def test_a_part_with_narrow_optics_is_not_refused_for_a_filter_that_nobody_has_seen(word: int) -> None:
    for variant in ("DCI", "DCH", "BCI", "BCH"):
        assert objection(Config1(word), variant) is None
    assert objection(Config1(word), "xAA") is not None


@pytest.mark.parametrize("word", [0x9FB4, 0x9FB0, 0x9FB1, 0x9CB4, 0x9FB7])
def test_nor_is_any_other_filter_taken_for_theirs(word: int) -> None:
    told = variants_of(Config1(word)) & {"DCI", "DCH", "BCI", "BCH"}
    assert bool(told) is (word == 0x9FB7), ".78 s by one column"


def test_what_config1_can_tell_and_what_it_cannot() -> None:
    assert variants_of(Config1(0x9FB4)) == {"xAA", "xCC"}
    assert variants_of(Config1(0x9F74)) == {"xBA"}
    assert variants_of(Config1(0x97F5)) == set()
    assert objection(Config1(0x9FB4), "xAA") is None
    assert objection(Config1(0x9FB4), "xCC") is None, "both filter alike: the configuration decides"


@pytest.mark.parametrize(
    ("word", "variant", "said"),
    [
        (0x9F74, "xCC", "an xBA"),
        (0x9FB4, "xBA", "an xAA or xCC"),
        (0x9FB0, "xCC", "an xCF"),
        (0x9FB1, "xCF", "an xCK, which settles too slowly"),
        (0x9FB1, "xCK", "an xCK, which settles too slowly"),
        (0xB7C5, "xBA", "no known variant"),
        (0x9CB4, "xAA", "no known variant"),
    ],
)
def test_a_contradiction_names_both(word: int, variant: str, said: str) -> None:
    text = objection(Config1(word), variant)
    assert text is not None
    assert f"0x{word:04X}" in text
    assert said in text
    assert f"thermometer.variant says {variant}" in text
