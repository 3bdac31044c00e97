"""What the figures were measured on; without it no figure means anything."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

_LIBRARIES = ("uvicorn", "uvloop", "aiokafka", "asyncpg", "fastapi", "pydantic", "msgspec", "eventsourcing")


def describe_machine() -> dict[str, Any]:
    """Processor, memory, system, versions, and how busy the machine was just now."""
    load, _, _ = os.getloadavg()
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{library: version(library) for library in _LIBRARIES},
        "load_before": round(load, 2),
    }


def busy_warning(machine: dict[str, Any]) -> str | None:
    """A sentence for people where others were using the machine when the run began."""
    cores = machine["cores"] or 1
    if machine["load_before"] <= cores * 0.3:
        return None
    return (
        f"The machine was busy before the run (load {machine['load_before']} on {cores} cores): "
        "ratios will be noisy and freshness pessimistic. Measure again on a quiet machine."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
