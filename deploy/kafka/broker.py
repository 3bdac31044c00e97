"""A real Kafka broker without Docker: one KRaft node on the loopback interface, for tests and for trying out.

    python deploy/kafka/broker.py --port 9092 --data DIR

needs Java 17 and Maven, which fetches the jars once (43 MB, to deploy/kafka/target). One node keeps one copy
of each record: never a deployment's only log.
"""

import argparse
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_JARS = _HERE / "target" / "libs"
_FETCH_SECONDS = 300
_START_SECONDS = 60
_STOP_SECONDS = 20
_READY_LINE = b"Kafka Server started"
_PORTS = range(15_000, 32_000)
"""Below the ports that Linux, macOS and BSD give to connections and to whoever asks for any port."""
_PORT_ATTEMPTS = 100


class BrokerError(Exception):
    """The broker could not be fetched, started or stopped; the message says what to do."""


@dataclass(frozen=True)
class Listener:
    """A further port to serve clients on, and the port those are told to come back to (a proxy's, say)."""

    port: int
    advertised_port: int


@dataclass
class KafkaBroker:
    """One broker with its records and log in `directory`, which a later start finds again after any end."""

    directory: Path
    port: int
    proxied: Listener | None = None
    heap_megabytes: int = 384
    settings: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def bootstrap(self) -> str:
        """Where clients begin: HOST:PORT."""
        return f"127.0.0.1:{self.port}"

    @property
    def log_file(self) -> Path:
        """What the broker has to say."""
        return self.directory / "broker.log"

    @property
    def is_running(self) -> bool:
        """Whether the process that `start` started lives."""
        return self._process is not None and self._process.poll() is None

    def start(self, timeout_seconds: float = _START_SECONDS) -> None:
        """Formats storage on first use, starts the broker, blocks until it serves. Raises `BrokerError`."""
        self.directory.mkdir(parents=True, exist_ok=True)
        said_before = self.log_file.stat().st_size if self.log_file.exists() else 0
        properties = self._properties()
        if not (self.directory / "data" / "meta.properties").exists():
            cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
            self._run_to_end(
                "kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "-c", str(properties)
            )
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._java(), "kafka.Kafka", str(properties)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_serving(said_before, time.monotonic() + timeout_seconds)

    def stop(self) -> None:
        """Shuts the broker down in order, or kills it when that takes too long. May be repeated."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Ends the broker as a power cut would end its process (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def suspend(self) -> None:
        """Freezes the broker (SIGSTOP): its connections stay open and nothing answers."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Ends `suspend`."""
        self._running().send_signal(signal.SIGCONT)

    def wait(self) -> int:
        """Blocks until the broker ends; its exit code."""
        return self._running().wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise BrokerError("the broker is not running; start() it first")
        return self._process

    def _wait_until_serving(self, said_before: int, deadline: float) -> None:
        process = self._running()
        while process.poll() is None and time.monotonic() < deadline:
            if _READY_LINE in self.log_file.read_bytes()[said_before:]:
                return
            time.sleep(0.05)
        self.kill()
        raise BrokerError(f"the Kafka broker on port {self.port} did not come up; its log is {self.log_file}")

    def _java(self) -> list[str]:
        return [
            "java",
            f"-Xmx{self.heap_megabytes}m",
            f"-Xms{self.heap_megabytes // 2}m",
            "-XX:+UseSerialGC",
            f"-Dlog4j2.configurationFile={_HERE / 'log4j2.properties'}",
            "-cp",
            f"{fetch_jars()}{os.sep}*",
        ]

    def _run_to_end(self, *arguments: str) -> None:
        done = subprocess.run(
            [*self._java(), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_START_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr)[-2000:].decode(errors="replace").strip()
            raise BrokerError(f"{arguments[0]} failed with exit code {done.returncode}: {said}")

    def _properties(self) -> Path:
        path = self.directory / "server.properties"
        controller_port = _controller_port(path)
        listeners = {"PLAINTEXT": (self.port, self.port), "CONTROLLER": (controller_port, None)}
        if self.proxied is not None:
            listeners["PROXIED"] = (self.proxied.port, self.proxied.advertised_port)
        values = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, (port, _) in listeners.items()),
            "advertised.listeners": ",".join(
                f"{name}://127.0.0.1:{told}" for name, (_, told) in listeners.items() if told is not None
            ),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in listeners),
            "log.dirs": str(self.directory / "data"),
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": "1",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            **self.settings,
        }
        path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        return path


def fetch_jars() -> Path:
    """The directory of the broker's jars, fetched by Maven on first use. Raises `BrokerError`.

    Processes that need them at the same time fetch them once.
    """
    complete = _JARS / ".complete"
    needed = ("java",) if complete.exists() else ("java", "mvn")
    missing = [program for program in needed if shutil.which(program) is None]
    if missing:
        raise BrokerError(
            f"{' and '.join(missing)} not found: install Java 17 and Maven "
            "(Debian: openjdk-17-jre-headless maven)"
        )
    if not complete.exists():
        _JARS.mkdir(parents=True, exist_ok=True)
        with (_JARS / ".fetching").open("w") as fetching:
            fcntl.flock(fetching, fcntl.LOCK_EX)
            if not complete.exists():
                _fetch()
                complete.touch()
    return _JARS


def _fetch() -> None:
    fetched = subprocess.run(
        [
            "mvn",
            "-q",
            "-B",
            "-f",
            str(_HERE / "pom.xml"),
            "dependency:copy-dependencies",
            f"-DoutputDirectory={_JARS}",
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_FETCH_SECONDS,
        check=False,
    )
    if fetched.returncode != 0:
        said = (fetched.stdout + fetched.stderr)[-2000:].decode(errors="replace").strip()
        raise BrokerError(f"Maven could not fetch the Kafka jars named in {_HERE / 'pom.xml'}: {said}")


def free_loopback_port() -> int:
    """A port of the loopback interface that is free, and that the system gives nobody who asks it for any port.

    So it is still free when a process that takes seconds to start comes to listen on it. Raises `BrokerError`.
    """
    for _ in range(_PORT_ATTEMPTS):
        port = _PORTS.start + secrets.randbelow(len(_PORTS))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise BrokerError(f"no free port was found from {_PORTS.start} to {_PORTS.stop - 1}")


def _controller_port(properties: Path) -> int:
    """The port in the properties of an earlier start, for a quorum keeps its addresses; else a free one."""
    if properties.exists():
        for line in properties.read_text().splitlines():
            name, _, value = line.partition("=")
            if name == "controller.quorum.voters":
                return int(value.rpartition(":")[2])
    return free_loopback_port()


def main() -> None:
    """Runs a broker in the foreground until it is interrupted."""
    parser = argparse.ArgumentParser(
        description="one Kafka broker on the loopback interface, until interrupted"
    )
    parser.add_argument("--port", type=int, default=9092, help="port to serve on (default 9092)")
    parser.add_argument("--data", type=Path, required=True, help="directory for its records and its log")
    parser.add_argument("--heap", type=int, default=384, help="heap of the Java process in MB (default 384)")
    options = parser.parse_args()
    broker = KafkaBroker(options.data.absolute(), options.port, heap_megabytes=options.heap)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        broker.start()
        print(
            f"Kafka serves on {broker.bootstrap}; its log is {broker.log_file}; end it with Ctrl-C",
            flush=True,
        )
        raise SystemExit(broker.wait())
    except BrokerError as error:
        raise SystemExit(str(error)) from None
    except KeyboardInterrupt:
        broker.stop()


if __name__ == "__main__":
    main()
