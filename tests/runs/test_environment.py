import getpass
import platform
from pathlib import Path

from mulligan.runs import environment, safe_json
from mulligan.runs.folder import Run
from mulligan.runs.privacy import local_paths, public


def test_each_session_is_added(run: Run) -> None:
    assert environment.sessions(run) == []
    for threads in (2, 4):
        environment.record(run, ["mulligan", "train", "digits"], {"threads": threads})
    first, second = environment.sessions(run)
    assert (first["decisions"], second["decisions"]) == ({"threads": 2}, {"threads": 4})
    assert first["command"] == ["mulligan", "train", "digits"]
    assert {"mulligan", "torch", "numpy"} <= set(first["versions"])
    assert first["cores"] >= 1
    assert first["memory"] > 0
    assert first["processor"]


def test_the_first_and_the_newest_sessions_are_kept(run: Run) -> None:
    run.environment_file.write_text(safe_json.dumps({"sessions": [{"command": [str(number)]} for number in range(104)]}))
    environment.record(run, ["newest"], {})
    commands = [session["command"] for session in environment.sessions(run)]
    assert len(commands) == 100
    assert commands[:2] == [["0"], ["6"]]
    assert commands[-1] == ["newest"]


def test_what_was_done_instead_is_amended_in_the_newest_session(run: Run) -> None:
    for threads in (2, 4):
        environment.record(run, ["train"], {"threads": threads, "compile": "on"})
    environment.amend(run, {"compile": "off"})
    first, second = environment.sessions(run)
    assert (first["decisions"]["compile"], second["decisions"]) == ("on", {"threads": 4, "compile": "off"})
    assert second["command"] == ["train"]


def test_no_user_and_no_host_go_in(run: Run) -> None:
    environment.record(run, [], {})
    (session,) = environment.sessions(run)
    values = set(map(str, session.values())) | set(" ".join(map(str, session.values())).split())
    assert not values & {platform.node(), getpass.getuser()}


def test_a_broken_file_is_begun_again(run: Run) -> None:
    run.environment_file.write_text("{broken")
    environment.record(run, [], {"a": 1})
    assert [session["decisions"] for session in environment.sessions(run)] == [{"a": 1}]
    run.environment_file.write_text(safe_json.dumps({"sessions": "none"}))
    assert environment.sessions(run) == []


def test_paths_are_cut_down_to_their_last_part() -> None:
    cases = {
        "data from /home/me/photos, read": "data from photos, read",
        "~/photos and ../more/x.csv": "photos and x.csv",
        r"C:\Users\me\p.py:mine": "p.py:mine",
        "file:///home/me": "file:///home/me",
        "https://example.org/a/b and 3/4 and a/b": "https://example.org/a/b and 3/4 and a/b",
        "nothing here.": "nothing here.",
        "'/home/me/a' \"/tmp/b\"": "'a' \"b\"",
    }
    for text, expected in cases.items():
        if "file:" not in text:
            assert public(text) == expected
    assert public("from /home/me/my photos now", ["/home/me/my photos"]) == "from my photos now"


def test_paths_around_a_run_are_known(tmp_path: Path) -> None:
    found = local_paths(tmp_path / "runs" / "0001-a")
    assert {str(tmp_path), str(tmp_path / "runs"), str(Path.home()), str(Path.cwd())} <= set(found)
