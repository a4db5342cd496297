"""An experiment that is saved again and again: each save encodes what may have changed, and misses nothing."""

from __future__ import annotations

import collections
import contextvars
import copy
import functools
import itertools
import pickle
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from counting import calls_of
from fuzzing import fuzz
from hypothesis import strategies as st

import docstore
from docstore.documents import digests
from docstore.errors import ConflictError, EncodeError, OverwriteWarning
from docstore.model import Arm, Data, GeneratorRun, TrialStatus
from docstore.registry.bundle import mapper_of
from docstore.store.saving.bulk import Bulk
from docstore.testing.exact import identity
from docstore.testing.experiments import new_experiment, observe

# What is encoded does not depend on the database.
pytestmark = pytest.mark.parametrize("backend", ["sqlite"])


def encoded_by(function: Callable[..., Any], *arguments: Any) -> list[str]:
    """Return the paths of the pieces that *function* encodes, in order."""
    paths: list[str] = []

    def note(frame: types.FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code is digests.piece.__code__:
            paths.append(frame.f_locals["path"])

    sys.setprofile(note)
    try:
        function(*arguments)
    finally:
        sys.setprofile(None)
    return sorted(paths)


def add_trial(experiment: Any) -> None:
    """Add a completed trial with nested metadata, and keep no reference to it."""
    x = (experiment.num_trials + 1) / 1000
    trial = experiment.new_trial(parameters={"x": x, "flour": "rye"})
    trial.run_metadata["oven"] = {"log": [1, 2], "shelf": (3, [4])}
    trial.mark_running(no_runner_required=True)
    observe(experiment, trial.index, x)


def made(trials: int = 3) -> Any:
    experiment = new_experiment()
    for _ in range(trials):
        add_trial(experiment)
    return experiment


@pytest.fixture
def experiment(store: Any) -> Any:
    """An experiment that was saved until nothing of it had to be looked at any more."""
    experiment = made()
    for _ in range(2):
        store.save(experiment)
    assert encoded_by(store.save, experiment) == [""]
    return experiment


def content(experiment: Any) -> Any:
    return identity(mapper_of().encode(experiment))


def assert_saved(store: Any, experiment: Any) -> None:
    __tracebackhide__ = True
    store.save(experiment)
    assert content(store.load(experiment.name)) == content(experiment)


class TestEachSaveAddsATrial:
    def test_each_trial_is_encoded_twice_and_then_never_again(self, store):
        experiment = made(0)
        store.save(experiment)
        store.save(experiment)
        encoded = []

        for _ in range(4):
            add_trial(experiment)
            encoded.append(encoded_by(store.save, experiment)[1:])

        assert encoded == [[f"/data/{i}", f"/trials/{i}"] for i in range(4)]

    def test_one_that_the_program_still_has_is_encoded_again(self, store, experiment):
        add_trial(experiment)
        last = experiment.trials[3]

        store.save(experiment)

        assert encoded_by(store.save, experiment) == ["", "/trials/3"]
        del last
        assert encoded_by(store.save, experiment) == ["", "/trials/3"]
        assert encoded_by(store.save, experiment) == [""]

    def test_it_costs_the_same_however_many_there_are(self, store):
        def calls(trials: int) -> int:
            experiment = made(trials)
            experiment.name = f"{trials} cakes"
            for _ in range(2):
                store.save(experiment)
                add_trial(experiment)
            store.save(experiment)
            add_trial(experiment)
            return calls_of(store.save, experiment)

        assert calls(300) == pytest.approx(calls(30), rel=0.1)

    def test_what_was_loaded_is_encoded_once(self, store, experiment):
        loaded = store.load("cakes")

        assert len(encoded_by(store.save, loaded)) == 7
        assert encoded_by(store.save, loaded) == [""]

    def test_the_data_may_be_looked_at(self, store, experiment):
        assert experiment.data.records
        assert experiment.lookup_data([1]).records

        assert encoded_by(store.save, experiment) == [""]

    def test_a_name_is_found_for_each_arm_without_a_look_at_the_others(self, store, experiment):
        experiment.new_trial(parameters={"x": 0.25, "flour": "rye"})

        assert encoded_by(store.save, experiment) == ["", "/trials/3"]

    def test_an_enum_of_the_model_and_a_number_of_numpy_are_no_obstacle(self, store, experiment):
        numpy = pytest.importorskip("numpy")
        experiment.trials[0].run_metadata.update(was=TrialStatus.FAILED, heat=numpy.float64(0.5))
        store.save(experiment)

        store.save(experiment)

        assert encoded_by(store.save, experiment) == [""]


# --- whoever has a reference may change it ---------------------------------------------------------------------------


def change(trial: Any) -> None:
    trial.run_metadata["oven"]["log"].append("changed")


def of_a_trial(e: Any) -> Callable[[], object]:
    return functools.partial(change, e.trials[1])


def of_a_trial_got(e: Any) -> Callable[[], object]:
    return functools.partial(change, e.trials.get(1))


def of_a_trial_set_as_a_default(e: Any) -> Callable[[], object]:
    return functools.partial(change, e.trials.setdefault(1, None))


def of_a_dict_in_it(e: Any) -> Callable[[], object]:
    return functools.partial(e.trials[1].run_metadata.update, changed=True)


def of_a_list_in_it(e: Any) -> Callable[[], object]:
    return functools.partial(e.trials[1].run_metadata["oven"]["log"].append, "changed")


def of_a_list_in_a_tuple_in_it(e: Any) -> Callable[[], object]:
    return functools.partial(e.trials[1].run_metadata["oven"]["shelf"][1].append, "changed")


def of_a_tuple_in_it(e: Any) -> Callable[[], object]:
    shelf = e.trials[1].run_metadata["oven"]["shelf"]
    return lambda: shelf[1].append("changed")


def of_an_arm(e: Any) -> Callable[[], object]:
    arm = e.arms_by_name["1_0"]
    return lambda: arm._parameters.update(x=0.75)


def of_a_generator_run(e: Any) -> Callable[[], object]:
    run = e.trials[1].generator_runs[0]
    return lambda: setattr(run, "fit_time", 2.0)


def of_a_record(e: Any) -> Callable[[], object]:
    return functools.partial(e._data[1].records[0].update, mean=7.0)


def of_the_list_of_records(e: Any) -> Callable[[], object]:
    return functools.partial(e._data[1].records.clear)


def of_the_value_of_a_record_in_a_copy(e: Any) -> Callable[[], object]:
    e.attach_data(Data([{"trial_index": 1, "arm_name": "1_0", "metric_name": "taste", "mean": 1.0, "notes": []}]))
    copied = e.data.records
    return lambda: next(r["notes"] for r in copied if "notes" in r).append("changed")


def of_a_generator(e: Any) -> Callable[[], object]:
    def changing() -> Iterator[None]:
        trial = e.trials[1]
        yield
        change(trial)
        yield

    steps = changing()
    next(steps)
    return functools.partial(next, steps)


def of_a_view_of_values(e: Any) -> Callable[[], object]:
    values = e.trials.values()
    return lambda: change(next(itertools.islice(values, 1, None)))


def of_a_view_of_items(e: Any) -> Callable[[], object]:
    items = e.trials.items()
    return lambda: change(next(itertools.islice(items, 1, None))[1])


def of_an_iterator(e: Any) -> Callable[[], object]:
    iterator = iter(e.trials.values())
    next(iterator)
    return lambda: change(next(iterator))


def of_a_reversed_view(e: Any) -> Callable[[], object]:
    iterator = reversed(e.trials.items())
    next(iterator)
    return lambda: change(next(iterator)[1])


def of_a_weak_reference(e: Any) -> Callable[[], object]:
    reference = weakref.ref(e.trials[1])
    return lambda: change(reference())


def of_a_weak_reference_to_an_arm(e: Any) -> Callable[[], object]:
    reference = weakref.ref(e.trials[1].arm)
    return lambda: reference()._parameters.update(x=0.75)


def of_a_method(e: Any) -> Callable[[], object]:
    return e.trials[1].mark_abandoned


def of_a_list_of_trials(e: Any) -> Callable[[], object]:
    trials = list(e.trials.values())
    return lambda: change(trials[1])


def of_trials_by_status(e: Any) -> Callable[[], object]:
    grouped = e.trials_by_status
    return lambda: change(next(trial for trials in grouped.values() for trial in trials))


def of_the_attributes(e: Any) -> Callable[[], object]:
    return functools.partial(vars(e.trials[1]).update, status_reason="changed")


def of_a_shallow_copy_of_the_trial(e: Any) -> Callable[[], object]:
    return functools.partial(change, copy.copy(e.trials[1]))


def of_a_shallow_copy_of_the_experiment(e: Any) -> Callable[[], object]:
    twin = copy.copy(e)
    return lambda: change(twin.trials[1])


def of_a_dict(e: Any) -> Callable[[], object]:
    trials = dict(e.trials)
    return lambda: change(trials[1])


def of_an_unpacked_dict(e: Any) -> Callable[[], object]:
    trials = {**e.trials}
    return lambda: change(trials[1])


def of_a_copy_of_the_dict(e: Any) -> Callable[[], object]:
    trials = e.trials.copy()
    return lambda: change(trials[1])


def of_a_united_dict(e: Any) -> Callable[[], object]:
    trials = {} | e.trials
    return lambda: change(trials[1])


def of_a_dict_that_was_updated(e: Any) -> Callable[[], object]:
    trials: dict[int, Any] = {}
    trials.update(e.trials)
    return lambda: change(trials[1])


def of_a_copied_dict_of_the_same_type(e: Any) -> Callable[[], object]:
    trials = copy.copy(e.trials)
    return lambda: change(trials[1])


def of_an_ordered_dict(e: Any) -> Callable[[], object]:
    trials = collections.OrderedDict(e.trials)
    return lambda: change(trials[1])


def of_a_read_only_view(e: Any) -> Callable[[], object]:
    trials = types.MappingProxyType(e.trials)
    return lambda: change(trials[1])


def of_a_chain_of_dicts(e: Any) -> Callable[[], object]:
    trials = collections.ChainMap(e.trials)
    return lambda: change(trials[1])


def of_a_pattern(e: Any) -> Callable[[], object]:
    match e.trials:
        case {1: trial}:
            return functools.partial(change, trial)
    raise AssertionError


def of_a_context_variable(e: Any) -> Callable[[], object]:
    held: contextvars.ContextVar[Any] = contextvars.ContextVar("held")
    held.set(e.trials[1])
    return lambda: change(held.get())


def of_an_exception(e: Any) -> Callable[[], object]:
    def failing() -> None:
        trial = e.trials[1]
        raise ValueError(trial.index)

    try:
        failing()
    except ValueError as error:
        trace = error.__traceback__
    assert trace is not None
    assert trace.tb_next is not None
    frame = trace.tb_next.tb_frame
    return lambda: change(frame.f_locals["trial"])


def of_a_thread(e: Any) -> Callable[[], object]:
    taken, go = threading.Event(), threading.Event()

    def work() -> None:
        trial = e.trials[1]
        taken.set()
        go.wait(10)
        change(trial)

    thread = threading.Thread(target=work)
    thread.start()
    taken.wait(10)

    def end() -> None:
        go.set()
        thread.join(10)

    return end


def of_a_value_in_two_trials(e: Any) -> Callable[[], object]:
    e.trials[1].run_metadata["shared"] = e.trials[2].run_metadata["shared"] = []
    return lambda: e.trials[1].run_metadata["shared"].append("changed")


def of_an_arm_in_two_trials(e: Any) -> Callable[[], object]:
    e.new_batch_trial().add_arm(e.trials[1].arm)
    return lambda: e.trials[1].arm._parameters.update(x=0.75)


def of_an_array(e: Any) -> Callable[[], object]:
    numpy = pytest.importorskip("numpy")
    buffer = bytearray(8)
    e.trials[1].run_metadata["array"] = numpy.frombuffer(buffer, "uint8")
    return functools.partial(buffer.__setitem__, 0, 7)


def of_a_trial_that_was_popped_and_put_back(e: Any) -> Callable[[], object]:
    return lambda: (e.trials.__setitem__(1, e.trials.pop(1)), change(e.trials[1]))


def of_other_dicts(e: Any) -> Callable[[], object]:
    e._trials = dict(e._trials)
    return lambda: change(e._trials[1])


def of_a_dict_that_comes_back(e: Any) -> Callable[[], object]:
    former = e._trials
    e._trials = copy.deepcopy(former)
    e._trials.pop(2)
    return lambda: setattr(e, "_trials", former)


def of_the_number_of_a_trial(e: Any) -> Callable[[], object]:
    return lambda: (e.trials.pop(2), e._data.pop(2))


def of_the_last_trial(e: Any) -> Callable[[], object]:
    return lambda: (e.trials.popitem(), e._data.popitem())


def of_all_trials(e: Any) -> Callable[[], object]:
    return lambda: (e.trials.clear(), e._data.clear())


def of_trials_that_were_updated(e: Any) -> Callable[[], object]:
    other = made(4)
    return lambda: e.trials.update({3: other.trials[3]})


REFERENCES = [value for name, value in list(globals().items()) if name.startswith("of_")]


class TestAChangeByAReferenceThatTheProgramHas:
    """Taken before some saves, which changed nothing; then the reference is used."""

    @pytest.mark.parametrize("take", REFERENCES, ids=lambda take: take.__name__.removeprefix("of_"))
    def test_is_saved(self, store, experiment, take):
        use = take(experiment)
        for _ in range(3):
            store.save(experiment)
        before = content(store.load("cakes"))

        use()

        assert_saved(store, experiment)
        assert content(store.load("cakes")) != before


class TestAnObjectThatIsSavedElsewhereToo:
    def test_by_two_stores_in_turn(self, store, experiment, tmp_path):
        with docstore.connect(f"sqlite:///{tmp_path}/other.db") as other:
            other.save(experiment)
            other.save(experiment)
            change(experiment.trials[0])
            store.save(experiment)
            store.save(experiment)

            assert_saved(other, experiment)
            assert_saved(store, experiment)

    def test_by_a_shallow_copy_that_has_the_same_trials(self, store, experiment):
        twin = copy.copy(experiment)
        change(twin.trials[0])
        store.save(twin)
        store.save(twin)
        change(twin.trials[1])

        assert_saved(store, experiment)

    @pytest.mark.parametrize("copied", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))], ids=["copy", "pickle"])
    def test_by_a_copy_of_its_own(self, store, experiment, copied):
        twin = copied(experiment)
        change(twin.trials[0])
        store.save(twin)
        store.save(twin)
        change(twin.trials[1])

        assert_saved(store, twin)
        change(experiment.trials[2])
        assert_saved(store, experiment)


class TestAChangeByAnotherWriter:
    def test_is_in_the_object_after_a_merge_and_is_not_undone(self, store, experiment):
        theirs = store.load("cakes")
        change(theirs.trials[1])
        store.save(theirs)
        add_trial(experiment)

        for _ in range(3):
            store.save(experiment)
        change(experiment.trials[1])

        assert_saved(store, experiment)
        assert experiment.trials[1].run_metadata["oven"]["log"] == [1, 2, "changed", "changed"]

    def test_to_trials_that_are_numbered_anew(self, store, experiment):
        theirs = store.load("cakes")
        add_trial(theirs)
        store.save(theirs)
        add_trial(experiment)
        experiment.trials[3].run_metadata["whose"] = "mine"

        for _ in range(3):
            store.save(experiment)
        change(experiment.trials[4])

        assert experiment.trials[4].run_metadata["whose"] == "mine"
        assert_saved(store, experiment)

    def test_that_conflicts_leaves_everything_to_be_saved(self, store, experiment):
        theirs = store.load("cakes")
        theirs.trials[1].status_reason = "theirs"
        store.save(theirs)
        experiment.trials[1].status_reason = "mine"
        change(experiment.trials[0])
        with pytest.raises(ConflictError):
            store.save(experiment)

        with pytest.warns(OverwriteWarning):
            store.save(experiment, on_conflict="overwrite")

        assert_saved(store, experiment)
        assert experiment.trials[1].status_reason == "mine"

    def test_to_other_trials_than_those_that_are_saved(self, store, experiment):
        theirs = store.load("cakes")
        change(theirs.trials[1])
        store.save(theirs)
        change(experiment.trials[0])
        store.save_trial(experiment, experiment.trials[0])

        for _ in range(3):
            store.save(experiment)

        assert_saved(store, experiment)
        assert experiment.trials[1].run_metadata["oven"]["log"] == [1, 2, "changed"]


class TestASaveThatFails:
    def test_as_the_head_cannot_be_encoded(self, store, experiment):
        change(experiment.trials[0])
        experiment.properties["lock"] = threading.Lock()
        with pytest.raises(EncodeError):
            store.save(experiment)
        del experiment.properties["lock"]

        assert_saved(store, experiment)

    def test_says_all_that_cannot_be_encoded(self, store, experiment):
        experiment.properties["lock"] = experiment.trials[2].run_metadata["lock"] = threading.Lock()

        with pytest.raises(EncodeError) as caught:
            store.save(experiment)

        assert "/properties/lock" in str(caught.value)
        assert "/trials/2/run_metadata/lock" in str(caught.value)

    def test_as_it_is_interrupted_before_the_commit(self, store, experiment):
        change(experiment.trials[0])

        def interrupt(conflict: Any) -> Any:
            raise KeyboardInterrupt

        theirs = store.load("cakes")
        theirs.trials[0].run_metadata["oven"]["log"].append("theirs")
        store.save(theirs)
        with pytest.raises(KeyboardInterrupt):
            store.save(experiment, on_conflict=interrupt)

        store.save(experiment, on_conflict=lambda conflict: conflict.mine)

        assert content(store.load("cakes")) == content(experiment)
        assert "changed" in experiment.trials[0].run_metadata["oven"]["log"]


class TestAnotherThread:
    def test_that_takes_a_trial_while_it_is_encoded_is_not_missed(self, store, experiment):
        change(experiment.trials[0])
        taken: list[Any] = []

        def note(frame: types.FrameType, event: str, argument: Any) -> None:
            if event == "call" and frame.f_code is digests.piece.__code__ and not taken:
                taken.append(experiment.trials[0])

        sys.setprofile(note)
        try:
            store.save(experiment)
        finally:
            sys.setprofile(None)
        change(taken.pop())

        assert_saved(store, experiment)

    def test_that_saves_a_change_back_while_save_many_writes_a_batch_is_not_missed(self, store, experiment):
        experiment.trials[1].run_metadata["changed"] = True
        done: list[bool] = []

        def change_back(frame: types.FrameType, event: str, argument: Any) -> None:
            if event == "call" and frame.f_code is Bulk._write.__code__ and not done:
                done.append(True)
                del experiment.trials[1].run_metadata["changed"]
                store.save(experiment)

        sys.setprofile(change_back)
        try:
            store.save_many([new_experiment("before it"), experiment])
        finally:
            sys.setprofile(None)
        experiment.properties["ended"] = True

        assert done
        assert_saved(store, experiment)


class TestAnExperimentThatWasLoadedLazily:
    def test_is_encoded_only_where_it_was_read(self, store, experiment):
        lazy = store.load("cakes", lazy=True)

        assert encoded_by(store.save, lazy) == [""]
        assert lazy.trials[1].index == 1
        assert encoded_by(store.save, lazy) == ["", "/trials/1"]
        assert encoded_by(store.save, lazy) == [""]

    @pytest.mark.parametrize("take", REFERENCES, ids=lambda take: take.__name__.removeprefix("of_"))
    def test_is_saved_with_each_change_by_a_reference(self, store, experiment, take):
        lazy = store.load("cakes", lazy=True)
        use = take(lazy)
        store.save(lazy)
        store.save(lazy)

        use()

        assert_saved(store, lazy)


STEPS = st.tuples(
    st.sampled_from(["hold", "hold list", "change held", "let go", "change", "add", "remove", "save", "save one"])
    | st.sampled_from(["others change", "others add", "load", "load lazily", "copy", "save", "save", "replace"]),
    st.integers(0, 5),
)


def use(store: Any, numbers: Iterator[int], steps: list[tuple[str, int]]) -> None:
    """Use an experiment step by step, each with the trial of that number or one near it; then check what is saved."""
    experiment, held = made(), list[Any]()
    experiment.name = name = f"cakes {next(numbers)}"
    store.save(experiment)
    for at, (step, number) in enumerate(steps):
        keys = list(experiment.trials) or [None]
        key = keys[number % len(keys)]
        if step == "add":
            add_trial(experiment)
        elif step == "save":
            store.save(experiment)
        elif step.startswith("load"):
            store.save(experiment)
            experiment, held = store.load(name, lazy=step == "load lazily"), []
        elif step == "copy":
            experiment, held = copy.copy(experiment), []
        elif step == "let go":
            held.clear()
        elif step == "change held" and held:
            held[number % len(held)].append(at)
        elif step == "replace":
            experiment._trials = type(experiment._trials)(experiment._trials)
        elif step.startswith("others"):
            others_save(store, experiment, key if step == "others change" else None, at)
        elif key is not None:
            on_trial(store, experiment, key, step, at, held)
    experiment.properties["ended"] = True
    assert_saved(store, experiment)


def others_save(store: Any, experiment: Any, key: int | None, at: int) -> None:
    """Let others change a trial, or add one; *experiment* gets that by a merge."""
    store.save(experiment)
    theirs = store.load(experiment.name)
    if key is None:
        add_trial(theirs)
    else:
        theirs.trials[key].properties["theirs"] = at
    store.save(theirs)
    experiment.properties["merged"] = at
    store.save(experiment)


def on_trial(store: Any, experiment: Any, key: int, step: str, at: int, held: list[Any]) -> None:
    log = experiment.trials[key].run_metadata["oven"]["log"]
    if step == "hold":
        held.append(log)
    elif step == "hold list":
        held += [trial.run_metadata["oven"]["shelf"][1] for trial in experiment.trials.values()]
    elif step == "change":
        log.append(at)
    elif step == "remove":
        experiment._data.pop(experiment.trials.pop(key).index, None)
    elif step == "save one":
        store.save_trial(experiment, experiment.trials[key])


class TestAnyUseOfIt:
    """Random search: whatever is held, changed, let go of, merged and saved in whatever order, no change is lost."""

    @pytest.mark.fuzz
    def test_loses_no_change(self, store):
        fuzz(functools.partial(use, store, itertools.count()), st.lists(STEPS, max_size=25), in_ci=15)


class TestWhatIsNeverSealed:
    def test_an_object_of_a_users_class(self, store, experiment, forgotten):
        class Oven:
            def __init__(self, heat: int) -> None:
                self.heat = heat

        docstore.register(Oven, tag="oven")
        experiment.trials[0].run_metadata["oven"] = Oven(1)
        for _ in range(3):
            store.save(experiment)

        assert encoded_by(store.save, experiment) == ["", "/trials/0"]

    def test_a_generator_run_that_is_in_a_strategy_too(self, store, experiment):
        run = GeneratorRun([Arm({"x": 0.125, "flour": "rye"})])
        experiment.new_trial(run)
        for _ in range(3):
            store.save(experiment)

        assert encoded_by(store.save, experiment) == ["", "/trials/3"]
