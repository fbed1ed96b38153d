# SPDX-License-Identifier: Apache-2.0
"""Opening, closing, pickling, forking, the end of the interpreter."""

from __future__ import annotations

import copy
import gc
import logging
import os
import pickle
import subprocess
import sys
import textwrap
import weakref
from pathlib import Path

import catdog
import pytest


def python(script: str, *arguments: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments], capture_output=True, text=True, timeout=timeout
    )


def test_a_closed_classifier_says_so(cat: Path) -> None:
    with catdog.Classifier() as classifier:
        assert not classifier.closed
    assert classifier.closed and repr(classifier) == "<catdog.Classifier, closed>"
    for use in (
        *(lambda: classifier.classify(cat), lambda: classifier.classify_batch([cat]), classifier.warm_up),
        *(lambda: classifier.metadata, lambda: classifier.engine, classifier.__enter__),
    ):
        with pytest.raises(catdog.ClosedError, match="closed") as caught:
            use()
        assert isinstance(caught.value, ValueError)
    classifier.close()
    assert classifier.labels == ("cat", "dog")


def test_a_model_in_memory(classifier: catdog.Classifier, cat: Path) -> None:
    path = classifier.metadata["path"]
    data = Path(path).read_bytes()
    for model in (data, bytearray(data), memoryview(data)):
        with catdog.Classifier(model) as opened:
            assert opened.metadata["path"] == ""
            assert opened.classify(cat).probabilities == classifier.classify(cat).probabilities


def test_a_pickled_classifier_is_opened_again(classifier: catdog.Classifier, cat: Path) -> None:
    expected = classifier.classify(cat).probabilities
    for again in (pickle.loads(pickle.dumps(classifier)), copy.copy(classifier)):
        assert again is not classifier and again.threads == 2
        assert again.classify(cat).probabilities == expected
    path = classifier.metadata["path"]
    with catdog.Classifier(Path(path).read_bytes(), abstain_below=1.0) as in_memory:
        again = pickle.loads(pickle.dumps(in_memory))
    assert again.classify(cat).probabilities == expected and again.classify(cat).abstained


def test_a_pickle_keeps_a_relative_path_and_refuses_another_model(
    classifier: catdog.Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "model.pt"
    model.write_bytes(Path(classifier.metadata["path"]).read_bytes())
    monkeypatch.chdir(tmp_path)
    with catdog.Classifier("model.pt") as opened:
        pickled = pickle.dumps(opened)
    monkeypatch.chdir("/")
    assert pickle.loads(pickled).metadata["path"] == str(model)
    model.write_bytes(model.read_bytes() + b"x")
    with pytest.raises(catdog.ModelChecksumError):
        pickle.loads(pickled)


def test_a_process_pool_with_spawn(cat: Path, dog: Path) -> None:
    told = python(
        """
        import multiprocessing, sys, catdog
        if __name__ == "__main__":
            with catdog.Classifier() as classifier, multiprocessing.get_context("spawn").Pool(2) as pool:
                print([prediction.label for prediction in pool.map(classifier.classify, sys.argv[1:])])
        """,
        *(cat, dog),
    )
    assert told.stdout == "['cat', 'dog']\n", told.stderr


def test_a_forked_child_is_told_to_open_its_own(cat: Path) -> None:
    told = python(
        """
        import gc, os, sys, catdog
        cat = sys.argv[1]
        classifier = catdog.Classifier(threads=2)
        classifier.classify_batch([cat] * 8)  # So that there are threads that the child doesn't have.
        child = os.fork()
        if child == 0:
            try:
                classifier.classify(cat)
            except catdog.ForkedError as error:
                assert "before a fork" in str(error) and "unusable" in repr(classifier)
                with catdog.Classifier(threads=2) as own:
                    assert [item.label for item in own.classify_batch([cat] * 8)] == ["cat"] * 8
                classifier.close()  # Must not wait for threads that are not there.
                del classifier
                gc.collect()
                sys.exit(7)
            sys.exit(1)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), classifier.classify(cat).label)
        """,
        cat,
    )
    assert told.stdout == "7 cat\n", told.stderr


def test_a_classifier_that_is_forgotten_gives_its_threads_back(cat: Path) -> None:
    classifier = catdog.Classifier(threads=3)
    classifier.classify_batch([cat] * 8)
    before = len(os.listdir("/proc/self/task"))
    watch = weakref.ref(classifier)
    del classifier
    gc.collect()
    assert watch() is None and len(os.listdir("/proc/self/task")) == before - 2


def test_log_messages_arrive(tmp_path: Path) -> None:
    messages: list[tuple[int, str]] = []
    with catdog.Classifier(log=lambda level, message: messages.append((level, message)), log_level=logging.DEBUG):
        pass
    assert messages and all(isinstance(level, int) and message for level, message in messages)


def test_a_log_function_that_raises_fails_no_call(cat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: seen.append(args.exc_value))

    def log(level: int, message: str) -> None:
        raise RuntimeError("mine")

    with catdog.Classifier(log=log, log_level=logging.DEBUG) as classifier:
        assert classifier.classify(cat).label == "cat"
    assert seen and all(str(error) == "mine" for error in seen)


def test_daemon_threads_do_not_break_the_end_of_the_interpreter(cat: Path) -> None:
    script = """
        import sys, threading, time, catdog
        classifier = catdog.Classifier(threads=1)
        data = open(sys.argv[1], "rb").read()
        def work():
            while True:
                classifier.classify(data)
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.2)
        """
    for _ in range(5):
        told = python(script, cat)
        assert (told.returncode, told.stderr) == (0, "")


def test_importing_starts_nothing_and_prints_nothing() -> None:
    told = python(
        """
        import os, sys
        os.environ["OPENBLAS_NUM_THREADS"] = "1"  # Behind liblapack.so.3 it starts its own threads.
        import catdog
        assert len(os.listdir("/proc/self/task")) == 1
        assert not {"numpy", "PIL", "torch"} & set(sys.modules)
        """
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
