"""Data are taken from a pandas DataFrame, and given as one, under Ax's name ``df``."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from docstore import Data
from docstore.errors import InvalidValueError, MissingDependencyError
from docstore.testing.exact import identity

RECORD = {"trial_index": 0, "arm_name": "0_0", "metric_name": "loss", "mean": 0.5, "sem": 0.1}


def frame(**columns):
    """A frame of two observations; *columns* replace or are added to its own."""
    own = {"trial_index": [0, 1], "arm_name": ["0_0", "1_0"], "metric_name": ["loss", "loss"], "mean": [0.5, 0.25]}
    return pd.DataFrame({**own, **columns})


class TestDataOfAFrame:
    def test_have_a_record_for_each_row_of_plain_values(self):
        data = Data(df=frame(sem=np.array([0.1, 0.5], "float32"), step=[1, 2], note=["a", "b"]))

        assert identity(data.records) == identity(
            [
                {**RECORD, "sem": float(np.float32(0.1)), "step": 1, "note": "a"},
                {**RECORD, "trial_index": 1, "arm_name": "1_0", "mean": 0.25, "sem": 0.5, "step": 2, "note": "b"},
            ]
        )

    @pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT])
    def test_leave_out_a_cell_without_a_value(self, missing):
        other = pd.Series(["a", missing], dtype=object)

        assert [set(record) - set(RECORD) for record in Data(df=frame(note=other)).records] == [{"note"}, set()]
        assert Data(df=frame(sem=pd.Series([0.1, missing], dtype=object))).records[1]["sem"] is None

    def test_keep_a_mean_that_could_not_be_measured(self):
        assert str(Data(df=frame(mean=[0.5, float("nan")])).records[1]["mean"]) == "nan"

    def test_do_not_depend_on_the_index(self):
        assert Data(df=frame().set_index(pd.Index([7, 7]))).records == Data(df=frame()).records

    @pytest.mark.parametrize(
        ("given", "problem"),
        [
            (frame(mean=["low", "high"]), "mean of record 0"),
            (frame(trial_index=[0.0, 1.0]), "trial_index of record 0"),
            (frame().drop(columns="mean"), "It lacks 'mean'"),
            (frame(**{"note": 1}).rename(columns={"note": "mean"}), "'mean'.*twice"),
            (frame().rename(columns={"mean": 3}), "column of the frame: 3"),
            ([RECORD], r"Data\(\[\.\.\.\]\)"),
        ],
        ids=["a text", "a float", "a missing column", "a column twice", "a number as name", "records"],
    )
    def test_are_checked(self, given, problem):
        with pytest.raises(InvalidValueError, match=problem):
            Data(df=given)

    def test_are_named_as_such(self):
        with pytest.raises(InvalidValueError, match=r"Data\(df=\.\.\.\)"):
            Data(frame())

    def test_are_not_records_too(self):
        with pytest.raises(InvalidValueError, match="not both"):
            Data([RECORD], df=frame())


class TestTheFrameOfData:
    def test_has_columns_of_fixed_types(self):
        made = Data([RECORD, {**RECORD, "mean": 1, "sem": None, "step": 3, "note": "x"}]).full_df

        assert {name: str(dtype) for name, dtype in made.dtypes.items()} == {
            "trial_index": "int64",
            "arm_name": "object",
            "metric_name": "object",
            "mean": "float64",
            "sem": "float64",
            "step": "float64",
            "note": "object",
        }
        assert made["sem"].isna().tolist() == [False, True]
        assert made["note"].tolist() == [None, "x"]

    def test_of_no_observations_has_the_same_columns(self):
        assert dict(Data().df.dtypes) == dict(Data([RECORD]).df.dtypes)

    def test_gives_the_same_data(self):
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        data = Data([RECORD, {**RECORD, "sem": None, "step": 3.0, "start_time": moment, "many": [1, None]}])

        assert identity(Data(df=data.full_df).records) == identity(data.records)

    def test_has_the_last_step_of_each_metric_under_axs_name(self):
        steps = [{**RECORD, "step": step, "mean": float(step)} for step in (2, 10, 1)]
        other = [{**RECORD, "metric_name": "time", "step": 1}, {**RECORD, "metric_name": "time", "mean": 7.0}]
        data = Data([*steps, *other])

        assert data.df["mean"].tolist() == [10.0, 7.0]
        assert data.full_df["mean"].tolist() == [2.0, 10.0, 1.0, 0.5, 7.0]

    def test_without_steps_has_every_observation_under_axs_name(self):
        data = Data([RECORD, RECORD])

        assert data.df.equals(data.full_df)

    def test_without_pandas_says_how_to_install_it(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "pandas", None)

        with pytest.raises(MissingDependencyError, match=r"Data\.df needs pandas.*docstore\[pandas\]"):
            _ = Data([RECORD]).df


def test_data_of_records_do_not_import_pandas():
    program = "import sys, docstore; docstore.Data([]); print('pandas' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"
