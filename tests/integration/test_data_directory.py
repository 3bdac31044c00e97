"""A data directory belongs to one process at a time, keeps its secret, and forgets processes that were killed."""

import fcntl
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest

from services.ops.data_directory import DataDirectory, DataDirectoryError, DirectoryInUseError, Running

HOLD = """
import os, sys
from pathlib import Path
from services.ops.data_directory import DataDirectory, Running
place = DataDirectory(Path(sys.argv[1]))
with place.held(), place.announced(Running(os.getpid(), "http://h:1", "db")):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path, project_root: Path) -> subprocess.Popen[str]:
    """Another process that holds `tmp_path`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=project_root, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_directory_in_use_is_refused_with_the_pid_and_the_address(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with (
        pytest.raises(DirectoryInUseError, match=f"process {holder.pid} serves on http://h:1"),
        DataDirectory(tmp_path).held(),
    ):
        pass
    assert DataDirectory(tmp_path).running() == Running(holder.pid, "http://h:1", "db")
    end(holder)


def test_what_a_killed_process_left_is_recognised_and_cleared(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    end(holder)
    assert (tmp_path / "run.json").exists()

    assert DataDirectory(tmp_path).running() is None
    with DataDirectory(tmp_path).held():
        assert not (tmp_path / "run.json").exists()


def test_what_a_killed_process_left_is_recognised_before_the_next_one_has_cleared_it(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    end(holder)
    with (tmp_path / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert (tmp_path / "run.json").exists()

        assert DataDirectory(tmp_path).running() is None
        with (
            pytest.raises(DirectoryInUseError, match="is starting or stopping"),
            DataDirectory(tmp_path).held(),
        ):
            pass


def test_one_that_serves_no_longer_is_not_found(tmp_path: Path) -> None:
    place = DataDirectory(tmp_path)
    with place.held():
        with place.announced(Running(1, "http://h:1", "db")):
            assert place.running() == Running(1, "http://h:1", "db")

        assert place.running() is None


def test_the_pepper_is_made_once_private_and_kept(tmp_path: Path) -> None:
    made = DataDirectory(tmp_path).identifier_pepper(None)

    assert len(made) >= 32
    assert (tmp_path / "identifier-pepper").stat().st_mode & 0o777 == 0o600
    assert DataDirectory(tmp_path).identifier_pepper(None) == made


def test_a_given_pepper_is_kept_and_another_one_is_refused_unshown(tmp_path: Path) -> None:
    assert DataDirectory(tmp_path).identifier_pepper("the-first-of-peppers") == "the-first-of-peppers"

    with pytest.raises(DataDirectoryError) as refused:
        DataDirectory(tmp_path).identifier_pepper("another-one-of-peppers")

    assert "peppers" not in str(refused.value)
    assert DataDirectory(tmp_path).identifier_pepper(None) == "the-first-of-peppers"


def test_a_place_that_cannot_be_a_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(DataDirectoryError, match="--data"), DataDirectory(tmp_path / "file" / "data").held():
        pass
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_the_master_key_is_made_once_private_and_kept(tmp_path: Path) -> None:
    made = DataDirectory(tmp_path).master_key(None, None)

    assert len(b64decode(made)) == 32
    assert (tmp_path / "master-key").stat().st_mode & 0o777 == 0o600
    assert DataDirectory(tmp_path).master_key(None, None) == made


def test_another_master_key_is_refused_unshown_unless_it_takes_the_place_of_the_kept_one(
    tmp_path: Path,
) -> None:
    made, other = DataDirectory(tmp_path).master_key(None, None), "another-master-key"

    with pytest.raises(DataDirectoryError, match="RAPPORT_PREVIOUS_MASTER_KEY") as refused:
        DataDirectory(tmp_path).master_key(other, None)

    assert other not in str(refused.value)
    assert made not in str(refused.value)
    assert DataDirectory(tmp_path).master_key(other, made) == other
    DataDirectory(tmp_path).replace_master_key(other)
    assert DataDirectory(tmp_path).master_key(None, None) == other
