"""The plots of growth: every setting once, each axis a line through the base, a point measured in its own process."""

import pytest

from tests.benchmarks import growth


def test_every_setting_is_measured_once_and_every_axis_has_its_values():
    rows = list(growth.points())
    assert len({str(sorted(row.items())) for row in rows}) == len(rows)
    for axis, values in growth.AXES.items():
        assert [row[axis] or 12 for row in growth.on_axis(rows, axis)] == list(values)
    assert len(growth.on_axis(rows, "length", "bf16")) == len(growth.AXES["length"])
    assert len(growth.on_axis(rows, "batch_size", "bf16")) == 1  # the base alone: too dear


def test_a_point_is_measured_with_the_shape_it_names():
    small = growth.BASE | {"size": "tiny", "batch_size": 2, "length": 16, "vocab_size": 200, "layers": 1}
    found = growth.measure_step(small, 1)
    assert found["tokens_per_second"] == pytest.approx(32 / found["seconds"], rel=0.05)
    more = growth.measure_step(small | {"layers": 2}, 1)
    wide = growth.measure_step(small | {"vocab_size": 1200}, 1)
    assert found["parameters_m"] < more["parameters_m"] < wide["parameters_m"]


def test_the_picture_is_drawn_from_what_was_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(growth, "PICTURE", tmp_path / "growth.svg")
    rows = [row | {"seconds": 0.5 + i, "peak_mb": 100.0 * i} for i, row in enumerate(growth.points())]
    results = {"steps": rows, "packing": [{"megabytes": m, "seconds": m, "peak_mb": 90.0} for m in (1.0, 5.0)]}
    growth.draw(results)
    first = (tmp_path / "growth.svg").read_bytes()
    growth.draw(results)
    assert (tmp_path / "growth.svg").read_bytes() == first
    assert b"65,536" in first
    growth.print_table(results)
    assert capsys.readouterr().out.count("|") == 3 * 8
