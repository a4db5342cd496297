"""What is promised to several processes on one database: nobody's save is lost, nobody sees half of one.

Each class is one race on each backend; its tests look at what is left of it. In CI it is short; in ``make fuzz``, long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from backends import BACKENDS, Backends
from hypothesis import settings
from racing import NAME, Race, Racer, RacerError, Report, numbers_marked, numbers_of

import docstore
from docstore.testing.experiments import new_experiment

pytestmark = pytest.mark.fuzz

SHORT = settings().derandomize
"""Whether this is CI's profile: two that meet once are enough to show a save that does not look at the others'."""

WRITERS, TURNS = (4, 10) if SHORT else (8, 50)
ALL = WRITERS * TURNS


@pytest.fixture(scope="class", params=BACKENDS)
def database(
    request: pytest.FixtureRequest, backends: Backends, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a database for one race, with the password."""
    with backends.fresh(request.param, tmp_path_factory.mktemp("race") / "lab.db") as url:
        yield url


@pytest.fixture(scope="class")
def store(database: str) -> Iterator[docstore.Store]:
    """A store that looks at what the race left."""
    with docstore.connect(database) as store:
        yield store


@dataclass(frozen=True)
class Ran:
    """A race that is over: what it left, and what each racer reported."""

    store: docstore.Store
    by_racer: list[list[Report]]

    @property
    def reports(self) -> list[Report]:
        return [report for reports in self.by_racer for report in reports]

    def versions(self, name: str = NAME) -> list[int]:
        """The numbers of all versions, oldest first."""
        return [version.number for version in reversed(self.store.history(name))]


@pytest.fixture(scope="class")
def ran(request: pytest.FixtureRequest, database: str, store: docstore.Store) -> Ran:
    """The race of the class, over."""
    with Race(database) as race:
        return Ran(store, request.cls.run(store, race))


class TestARacer:
    """What the other tests rely on."""

    def test_that_fails_says_why(self, database: str, store: docstore.Store) -> None:
        with Race(database) as race:
            race.enter("count", turns=1, on_conflict="error")

            with pytest.raises(RacerError, match=r"(?s)count ended with 1.*there is no experiment named 'cakes'"):
                race.run()

    def test_that_is_stuck_is_told_of(
        self, database: str, store: docstore.Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("racing.SECONDS", 0)

        with Race(database) as race:
            race.enter("count", on_conflict="error")

            with pytest.raises(RacerError, match="count said nothing for too long"):
                race.run()


class TestManyAddTrialsToOneExperiment:
    """Each loads it, adds a trial with its data and saves, again and again; half of them save the trial alone.

    Two that loaded the same version both make trial 12, say: one of the two is renumbered, with its data.
    """

    @classmethod
    def run(cls, store: docstore.Store, race: Race) -> list[list[Report]]:
        store.save(new_experiment(NAME))
        race.enter("add_trials", racers=WRITERS, turns=TURNS)
        return race.run()

    def test_no_save_is_refused(self, ran: Ran) -> None:
        assert [len(reports) for reports in ran.by_racer] == [TURNS] * WRITERS

    def test_each_save_is_a_version(self, ran: Ran) -> None:
        assert sorted(report["version"] for report in ran.reports) == list(range(2, ALL + 2))
        assert ran.versions() == list(range(1, ALL + 2))

    def test_some_made_the_same_trial(self, ran: Ran) -> None:
        """Or nothing was tested."""
        assert max(Counter(report["made"] for report in ran.reports).values()) > 1
        assert any(report["index"] != report["made"] for report in ran.reports)

    def test_each_trial_stands_once_and_whole(self, ran: Ran) -> None:
        experiment = ran.store.load(NAME)

        stored = [numbers_of(experiment, index) for index in experiment.trials]
        expected = [numbers_marked(report["mark"], report["index"]) for report in ran.reports]
        assert stored == sorted(expected)
        assert list(experiment.trials) == list(range(ALL))

    def test_no_arms_share_a_name(self, ran: Ran) -> None:
        experiment = ran.store.load(NAME)

        assert len({trial.arms[0].name for trial in experiment.trials.values()}) == ALL

    def test_the_object_in_hand_knows_its_trial_by_the_index_that_is_stored(self, ran: Ran) -> None:
        for report in ran.reports:
            assert report["in_hand"] == numbers_marked(report["mark"], report["index"])

    @pytest.mark.parametrize("version", [1, 2, 3, ALL // 2, ALL, ALL + 1])
    def test_each_version_has_the_trials_that_were_saved_by_then(self, ran: Ran, version: int) -> None:
        experiment = ran.store.load(NAME, version=version)

        saved = {report["index"]: report["mark"] for report in ran.reports if report["version"] <= version}
        assert [numbers_of(experiment, index) for index in experiment.trials] == [
            numbers_marked(saved[index], index) for index in range(version - 1)
        ]

    def test_nothing_is_damaged(self, ran: Ran) -> None:
        """Each version is rebuilt for that, and compared with its digest."""
        assert ran.store.verify() == []


class TestManyAddTrialsToWhatTheyHold:
    """Each loads it once, and goes on with the object in hand: what others added, it learns when it saves, or never."""

    TURNS = 5 if SHORT else 10

    @classmethod
    def run(cls, store: docstore.Store, race: Race) -> list[list[Report]]:
        store.save(new_experiment(NAME))
        race.enter("add_trials", racers=WRITERS, turns=cls.TURNS, keep=True)
        return race.run()

    def test_each_trial_stands_once_and_whole(self, ran: Ran) -> None:
        experiment = ran.store.load(NAME)

        stored = [numbers_of(experiment, index) for index in experiment.trials]
        assert stored == sorted(numbers_marked(report["mark"], report["index"]) for report in ran.reports)
        assert list(experiment.trials) == list(range(WRITERS * self.TURNS))

    def test_the_object_in_hand_knows_its_trial_by_the_index_that_is_stored(self, ran: Ran) -> None:
        for report in ran.reports:
            assert report["in_hand"] == numbers_marked(report["mark"], report["index"])

    def test_nothing_is_damaged(self, ran: Ran) -> None:
        assert ran.store.verify() == []


class TestManyRaiseOneCounter:
    """Each loads it, adds 1 and saves with ``on_conflict="error"``, again when it is refused, until it did so often.

    Merged it could not be: two that both made 5 of 4 have made the same change.
    """

    @classmethod
    def run(cls, store: docstore.Store, race: Race) -> list[list[Report]]:
        store.save(new_experiment(NAME, properties={"count": 0}))
        race.enter("count", racers=WRITERS, turns=TURNS, on_conflict="error")
        return race.run()

    def test_nothing_that_was_counted_is_lost(self, ran: Ran) -> None:
        assert ran.store.load(NAME).properties == {"count": ALL}

    def test_each_raise_is_a_version(self, ran: Ran) -> None:
        assert sorted(report["version"] for report in ran.reports) == list(range(2, ALL + 2))
        assert ran.versions() == list(range(1, ALL + 2))

    def test_some_were_refused(self, ran: Ran) -> None:
        """Or nothing was tested."""
        assert sum(report["retries"] for report in ran.reports) > 0

    def test_nothing_is_damaged(self, ran: Ran) -> None:
        assert ran.store.verify() == []


class TestManyCreateOneName:
    """Each saves a new experiment under a name that is free; and so for several names."""

    NAMES = 5 if SHORT else 20

    @classmethod
    def run(cls, store: docstore.Store, race: Race) -> list[list[Report]]:
        race.enter("create", racers=WRITERS, turns=cls.NAMES)
        return race.run()

    def test_one_wins_and_the_others_are_told_that_it_exists(self, ran: Ran) -> None:
        outcomes = Counter((report["name"], "refused" in report) for report in ran.reports)

        assert outcomes == {
            (f"{NAME}-{n}", refused): count
            for n in range(self.NAMES)
            for refused, count in [(False, 1), (True, WRITERS - 1)]
        }

    def test_what_is_stored_is_the_winners(self, ran: Ran) -> None:
        winners = {r["name"]: by for by, reports in enumerate(ran.by_racer) for r in reports if "created" in r}

        assert {
            found.name: ran.store.get(found.name, pointer="/properties/by") for found in ran.store.find()
        } == winners

    def test_each_has_one_version(self, ran: Ran) -> None:
        assert {report.get("created", report.get("refused")) for report in ran.reports} == {1}
        assert [found.version for found in ran.store.find()] == [1] * self.NAMES

    def test_nothing_is_damaged(self, ran: Ran) -> None:
        assert ran.store.verify() == []


class TestAReaderBesideFourWriters:
    """Each save changes one number in the head and in three trials; no two saves write the same one."""

    READS, NUMBERS = (15, 5) if SHORT else (60, 10)

    @classmethod
    def run(cls, store: docstore.Store, race: Race) -> list[list[Report]]:
        experiment = new_experiment(NAME, trials=3, properties={"n": 0})
        for trial in experiment.trials.values():
            trial.run_metadata["n"] = 0
        store.save(experiment)
        [reader], writers = race.enter("read"), race.enter("number_all", racers=4)
        race.begin()
        seen = []
        for report in reader.reports():
            seen.append(report)
            if len(seen) >= cls.READS and len({each["load"][0] for each in seen}) >= cls.NUMBERS:
                break
        for racer in (reader, *writers):
            racer.stop()
        return [seen + list(reader.reports()), *(list(writer.reports()) for writer in writers)]

    @pytest.fixture
    def read(self, ran: Ran) -> list[Report]:
        return ran.by_racer[0]

    @pytest.fixture
    def written(self, ran: Ran) -> dict[int, int]:
        """The number of each version."""
        saved = [report for reports in ran.by_racer[1:] for report in reports if "version" in report]
        return {1: 0, **{report["version"]: report["n"] for report in saved}}

    @pytest.mark.parametrize("way", ["get", "load"])
    def test_no_state_is_mixed(self, read: list[Report], written: dict[int, int], way: str) -> None:
        states = [report[way] for report in read]

        assert [state for state in states if len(set(state)) != 1] == []
        assert {len(state) for state in states} == {4}
        assert {state[0] for state in states} <= set(written.values())

    def test_states_follow_one_another_as_they_were_saved(self, read: list[Report], written: dict[int, int]) -> None:
        version_of = {number: version for version, number in written.items()}

        order = [version_of[report[way][0]] for report in read for way in ("get", "load")]
        assert order == sorted(order)

    def test_an_earlier_version_is_what_was_saved_then(self, read: list[Report], written: dict[int, int]) -> None:
        for version, state in (report["earlier"] for report in read):
            assert state == [written[version]] * 4

    def test_the_history_has_no_gap_and_never_shrinks(self, read: list[Report]) -> None:
        lengths = [report["history"] for report in read]

        assert False not in lengths
        assert lengths == sorted(lengths)

    def test_what_is_found_is_of_the_same_time(self, read: list[Report]) -> None:
        for report in read:
            before, after = report["found"]
            assert before <= report["history"] <= after

    def test_each_save_was_kept_or_refused(self, ran: Ran, written: dict[int, int]) -> None:
        assert sorted(written) == ran.versions()

    def test_nothing_is_damaged(self, ran: Ran) -> None:
        assert ran.store.verify() == []


class TestWritersAreKilled:
    """Three of six who add trials are killed, each after so many saves, wherever it then is; the others go on."""

    TURNS = 8 if SHORT else 20

    @classmethod
    def run(cls, store: docstore.Store, race: Race) -> list[list[Report]]:
        store.save(new_experiment(NAME))
        victims, others = race.enter("add_trials", racers=3), race.enter("add_trials", racers=3, turns=cls.TURNS)
        race.begin()
        killed = [killed_after(victim, saves) for victim, saves in zip(victims, (2, 3, 5), strict=True)]
        return killed + [list(other.reports()) for other in others]

    def test_the_others_go_on(self, ran: Ran) -> None:
        assert [len(reports) for reports in ran.by_racer[3:]] == [self.TURNS] * 3

    def test_all_that_was_saved_is_there(self, ran: Ran) -> None:
        experiment = ran.store.load(NAME)

        for report in ran.reports:
            assert numbers_of(experiment, report["index"]) == numbers_marked(report["mark"], report["index"])

    def test_of_each_killed_at_most_the_save_it_was_in_is_there_beside(self, ran: Ran) -> None:
        experiment = ran.store.load(NAME)
        marks = [trial.run_metadata["mark"] for trial in experiment.trials.values()]

        unreported = set(marks) - {report["mark"] for report in ran.reports}
        assert unreported <= {reports[-1]["mark"] + 1 for reports in ran.by_racer[:3]}
        assert len(marks) == len(set(marks))

    def test_what_is_there_is_whole(self, ran: Ran) -> None:
        experiment = ran.store.load(NAME)

        assert list(experiment.trials) == list(range(len(ran.versions()) - 1))
        for index, trial in experiment.trials.items():
            assert numbers_of(experiment, index) == numbers_marked(trial.run_metadata["mark"], index)

    def test_nothing_is_damaged(self, ran: Ran) -> None:
        assert ran.store.verify() == []


def killed_after(racer: Racer, saves: int) -> list[Report]:
    """What a racer reported until it was killed, which it is when it has reported so many *saves*."""
    reports = racer.reports()
    first = [next(reports) for _ in range(saves)]
    racer.kill()
    return first + racer.reports_until_killed()


class TestTheNameIsRemovedAndComesBackBesideSavers:
    """Two delete and undelete it, two save it under other names and delete these, the others save or make it anew."""

    EDITORS, TURNS = (2, 10) if SHORT else (4, 25)

    @classmethod
    def run(cls, store: docstore.Store, race: Race) -> list[list[Report]]:
        store.save(new_experiment(NAME, trials=1))
        for what, racers in (("hide", 2), ("rename", 2), ("edit", cls.EDITORS)):
            race.enter(what, racers=racers, turns=cls.TURNS)
        return race.run()

    def test_each_act_is_done_or_refused_by_an_error_that_says_why(self, ran: Ran) -> None:
        """Any other error would have ended its racer."""
        assert [len(reports) for reports in ran.by_racer] == [
            *[2 * self.TURNS] * 2,
            *[self.TURNS] * (2 + self.EDITORS),
        ]

    def test_some_were_done_and_some_refused(self, ran: Ran) -> None:
        """Or nothing was tested. The first delete is done; of the first edits, of one place, one is refused."""
        assert any("done" in report for report in ran.reports)
        assert any(report.get("errors") for report in ran.reports)

    def test_each_edit_was_saved_in_the_end(self, ran: Ran) -> None:
        assert all("saved" in report for reports in ran.by_racer[4:] for report in reports)

    def test_each_save_is_a_version_of_some_document(self, ran: Ran) -> None:
        there = [*ran.store.find(), *ran.store.find(deleted=True)]

        saved = Counter(report["saved"] for report in ran.reports if "saved" in report)
        assert Counter(n for found in there for n in range(1, found.version + 1)) == saved + Counter([1])

    def test_no_name_is_taken_twice(self, ran: Ran) -> None:
        names = [found.name for found in ran.store.find()]

        assert len(names) == len(set(names))

    def test_nothing_is_damaged(self, ran: Ran) -> None:
        assert ran.store.verify() == []
