"""`rapport demo --once` on an empty directory, and again."""

from pathlib import Path

import psutil

from tests.e2e.running import run


def test_the_demo_puts_every_purchase_on_a_timeline_once_however_often_it_runs(tmp_path: Path) -> None:
    first = run("demo", "--once", "--data", str(tmp_path / "demo"), "--port", "0")
    again = run("demo", "--once", "--data", str(tmp_path / "demo"), "--port", "0")

    for outcome in (first, again):
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        assert "purchases on timelines" in outcome.stdout
        assert "6,919" in outcome.stdout
        assert "244,091.94" in outcome.stdout
    assert "repeats, which changed nothing" not in first.stdout
    assert "repeats, which changed nothing" in again.stdout
    left = [
        each
        for each in psutil.process_iter(["cmdline"])
        if str(tmp_path) in " ".join(each.info["cmdline"] or [])
    ]
    assert left == []
    assert not (tmp_path / "demo" / "run.json").exists()
