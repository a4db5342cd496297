"""A plot as SVG: where its points, bars, lines and labels are."""

from __future__ import annotations

import itertools
import math

import pytest

from docstore.web.charts import HEIGHT, WIDTH, Labels, Measured, chart

LABELS = Labels("loss by trial", "Best so far 1.", "trial", "loss")


def drawn(*values, sem=None, line=()):
    return chart([Measured(at, value, sem, f"trial {at}") for at, value in enumerate(values)], line, LABELS)


class TestAChart:
    def test_has_larger_values_higher_and_later_ones_further_right(self):
        first, second = drawn(1.0, 2.0).dots

        assert first.x < second.x
        assert first.y > second.y

    def test_has_round_labels_within_its_axes(self):
        found = drawn(0.03, 0.31, 0.47)

        assert [tick.text for tick in found.y_ticks] == ["0.1", "0.2", "0.3", "0.4"]
        assert [tick.text for tick in found.x_ticks] == ["0", "1", "2"]

    def test_goes_by_steps(self):
        found = drawn(3.0, 2.0, 1.0, line=[(0, 3.0), (1, 3.0), (2, 1.0)])

        assert (found.line.count("H"), found.line.count("V")) == (2, 1)

    def test_cuts_error_bars_that_are_very_long(self):
        values = chart([Measured(0, 1.0, 0.1, ""), Measured(1, 2.0, 1e9, "")], [], LABELS)

        assert abs(values.dots[0].y - values.dots[1].y) > HEIGHT / 4
        assert values.bars.count("M") == 2

    def test_of_no_finite_value_is_none(self):
        assert drawn() is None
        assert drawn(math.inf, -math.inf) is None

    @pytest.mark.parametrize("sem", [None, 0.1, math.inf])
    def test_stays_within_its_size_whatever_the_values(self, sem):
        odd = [0.0, 1.0, -1e299, 1e299, 5e-324, 1e17, 1e17 + 16, math.inf]
        for values in itertools.product(odd, repeat=2):
            found = drawn(*values, sem=sem, line=list(enumerate(values)))
            if found is not None:
                assert all(0 <= dot.x <= WIDTH and 0 <= dot.y <= HEIGHT for dot in found.dots), values
                assert len(found.y_ticks) < 10, values
