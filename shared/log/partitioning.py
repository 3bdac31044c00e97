"""Which partition a key belongs to, the same on either log and for ever."""

from zlib import crc32


def partition_of(key: bytes, partitions: int) -> int:
    """CRC-32 of the key modulo the number of partitions: what librdkafka calls the `consistent` partitioner.

    Changing the number of partitions moves keys, and so breaks the order within a key and the search for repeats;
    a log keeps the number it was made with.
    """
    return crc32(key) % partitions
