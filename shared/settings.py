"""All settings, from environment variables `RAPPORT_*`, checked once at the start."""

import base64
import binascii
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MASTER_KEY_BYTES: Final = 32
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Settings(BaseSettings):
    """One deployment's settings. Raises pydantic's `ValidationError`; `shared.settings_errors` words it for people."""

    model_config = SettingsConfigDict(
        env_prefix="RAPPORT_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    database_url: SecretStr = Field(
        description="PostgreSQL of the views: postgresql://USER:PASSWORD@HOST:PORT/NAME"
    )
    log: str = Field(
        default="embedded",
        pattern=r"^(embedded|kafka://[^/\s]+/[A-Za-z0-9._-]{1,249})$",
        description="the event log: `embedded`, or kafka://HOST:PORT[,HOST:PORT]/TOPIC",
    )
    partitions: int = Field(default=12, ge=1, le=1024, description="partitions of a log that is made anew")
    identifier_pepper: SecretStr = Field(
        min_length=16, description="the secret in every party id; at least 16 characters, never changed"
    )
    master_key: SecretStr | None = Field(
        default=None,
        description="the secret that wraps every subject's key: base64 of 32 random bytes; for ingest and the API",
    )
    previous_master_key: SecretStr | None = Field(
        default=None,
        description="the master key before this one, until `rapport master-key rotate` has wrapped every key anew",
    )
    phone_region: str = Field(
        default="DE", pattern="^[A-Z]{2}$", description="region of phone numbers without a country code"
    )
    programmes: Path | None = Field(
        default=None,
        description="TOML file of the loyalty programmes; the one that comes with Rapport if unset",
    )
    complaint_policies: Path | None = Field(
        default=None,
        description="TOML file of the complaint policies; the one that comes with Rapport if unset",
    )
    analytics: Path | None = Field(
        default=None,
        description="TOML file of the analytics settings; the one that comes with Rapport if unset",
    )
    scoring_hours: int = Field(
        default=24,
        ge=0,
        le=8760,
        description="hours from one scoring run of `rapport up` to the next; 0 for none",
    )
    log_level: str = Field(
        default="info", pattern="^(debug|info|warning|error)$", description="least level logged"
    )
    host: str = Field(default="127.0.0.1", min_length=1, description="address to serve on")
    port: int = Field(default=8080, ge=0, le=65535, description="port to serve on; 0 takes a free one")
    event_bytes: int = Field(
        default=64 * 1024, ge=1024, le=1024 * 1024, description="largest event, in bytes"
    )
    request_bytes: int = Field(
        default=5 * 1024 * 1024,
        ge=1024,
        le=64 * 1024 * 1024,
        description="largest request after decompression",
    )
    request_events: int = Field(default=5000, ge=1, le=50_000, description="most events in a request")
    append_timeout_seconds: Seconds = Field(
        default=4.0, description="longest wait for the log to acknowledge"
    )
    database_timeout_seconds: Seconds = Field(
        default=2.0, description="longest connect or query to PostgreSQL"
    )
    database_connections: int = Field(
        default=8, ge=1, le=100, description="most connections a service's pool opens"
    )
    batch_events: int = Field(
        default=5000, ge=1, le=50_000, description="most events a projection applies at once"
    )
    oidc_issuer: str | None = Field(
        default=None, min_length=1, description="issuer whose tokens (JWT) let in, exactly as they name it"
    )
    oidc_audience: str | None = Field(
        default=None, min_length=1, description="audience that its tokens must be meant for"
    )
    oidc_jwks: str | None = Field(
        default=None, min_length=1, description="its public keys (JWKS): a file, or an https:// address"
    )
    oidc_leeway_seconds: int = Field(
        default=30, ge=0, le=300, description="by how much the issuer's clock may differ from ours"
    )
    oidc_requests_per_minute: int = Field(
        default=6000,
        ge=0,
        le=1_000_000,
        description="most requests a minute with tokens of one subject (`sub`), of each process; 0 for no limit",
    )
    access_record_days: int = Field(
        default=1095,
        ge=1,
        le=36_500,
        description="how long it is kept who read whose personal data",
    )
    kafka_security: str = Field(
        default="PLAINTEXT",
        pattern="^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$",
        description="Kafka security protocol",
    )
    kafka_ca_file: Path | None = Field(
        default=None, description="PEM file of the authority that signed the brokers"
    )
    kafka_sasl_mechanism: str = Field(
        default="SCRAM-SHA-512", pattern="^(PLAIN|SCRAM-SHA-256|SCRAM-SHA-512)$", description="SASL mechanism"
    )
    kafka_username: str | None = Field(default=None, description="SASL user name")
    kafka_password: SecretStr | None = Field(default=None, description="SASL password")

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        return value

    @field_validator("master_key", "previous_master_key")
    @classmethod
    def _is_master_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value():
            return None  # as compose files pass on what is not set
        if value is not None:
            try:
                key = base64.b64decode(value.get_secret_value(), validate=True)
            except binascii.Error:
                raise ValueError("is not base64") from None
            if len(key) != MASTER_KEY_BYTES:
                raise ValueError(f"is base64 of {len(key)} bytes, not {MASTER_KEY_BYTES}")
        return value

    @field_validator("oidc_jwks")
    @classmethod
    def _is_file_or_https(cls, value: str | None) -> str | None:
        if value is not None and "://" in value:
            parts = urlsplit(value)
            loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")
            if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
                raise ValueError("must be a file or an https:// address; http:// is for this machine alone")
        return value

    @model_validator(mode="after")
    def _names_the_whole_issuer(self) -> Self:
        given = {
            "RAPPORT_OIDC_ISSUER": self.oidc_issuer,
            "RAPPORT_OIDC_AUDIENCE": self.oidc_audience,
            "RAPPORT_OIDC_JWKS": self.oidc_jwks,
        }
        missing = [name for name, value in given.items() if value is None]
        if 0 < len(missing) < len(given):
            raise ValueError(f"an issuer needs all of {', '.join(given)}; set {' and '.join(missing)} too")
        return self
