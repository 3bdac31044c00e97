"""What the commands on the master key do."""

import os
from pathlib import Path

from services.ops.data_directory import DataDirectory
from services.ops.operations import connected, console, operating, say
from services.ops.told import FAILED
from shared.personal_data.master_keys import master_keys_of
from shared.personal_data.rotation import rotate_master_key


def run_rotate(data: Path, *, as_json_: bool) -> None:
    """`rapport master-key rotate`."""
    with operating(data) as settings:
        masters = master_keys_of(settings)

        def on_batch(done: int) -> None:
            if not as_json_:
                console().print(f"{done} keys wrapped anew", style="dim")

        rotated = connected(
            settings,
            "rotating the master key",
            lambda connection: rotate_master_key(connection, masters, os.urandom, on_batch),
        )
        if rotated.left:
            sentence = f"{rotated.left} keys are still wrapped by another master key: {rotated.reason}."
        else:
            if settings.master_key is not None and not os.environ.get("RAPPORT_DATABASE_URL"):
                DataDirectory(data).replace_master_key(settings.master_key.get_secret_value())
            sentence = (
                f"Every key is wrapped by master key {masters.current_id}; {rotated.keys} were wrapped anew. "
                "RAPPORT_PREVIOUS_MASTER_KEY can go."
            )
        answer = {"master_key_id": masters.current_id, "wrapped": rotated.keys, "left": rotated.left}
        say(as_json_, answer, sentence)
        if rotated.left:
            raise SystemExit(FAILED)
