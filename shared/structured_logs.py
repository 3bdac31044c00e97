"""Log lines as JSON objects on standard error, one a line, made once a process by its `main`."""

import logging
import sys
from typing import Any, TextIO

import msgspec
import structlog


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Sets up structlog and the standard library's loggers for this process. May be repeated; the last one counts.

    Lines go to `stream`, or to standard error where none is given.
    """
    out = stream if stream is not None else sys.stderr
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_json)],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_json),
            ],
            foreign_pre_chain=[*shared[1:], structlog.stdlib.add_logger_name],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.INFO), force=True)
    logging.getLogger("aiokafka").setLevel(
        logging.CRITICAL
    )  # the log adapter says once what aiokafka repeats
    for chatty in ("uvicorn", "httpx", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _json(entry: Any, **_: Any) -> str:
    return msgspec.json.encode(entry, enc_hook=str).decode()
