"""`python -m tests.helpers.in_folder FOLDER CONFIG OVERRIDE...`: train in FOLDER/a or FOLDER/b, by rank."""

from __future__ import annotations

import os
import sys

from nanospeech_torch import train

if __name__ == "__main__":
    folder, *arguments = sys.argv[1:]
    os.chdir(os.path.join(folder, "ab"[int(os.environ["RANK"])]))
    code = train.main(arguments)
    sys.stdout.flush()
    os._exit(code)  # as nanospeech_torch.train does
