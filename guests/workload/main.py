#!/usr/bin/env python3
"""What a testbed's guest keeps doing while it is moved and measured.

  main.py run CONFIG.json     until it is stopped; the config's `type` names the module that does the work
  main.py verify DIRECTORY    was every acknowledged write kept? (disk)

Python's standard library alone, as it comes with the guest images; what mysql and office run are Debian's and Ubuntu's
packages, which are installed if the image has not got them.
"""

import contextlib
import importlib
import json
import os
import signal
import sys

from packages import install_missing
from progress import Progress


def main(arguments):
    if arguments[:1] == ["verify"] and len(arguments) == 2:
        result = importlib.import_module("disk").verify(arguments[1])
        print(json.dumps(result))
        return 1 if result["problems"] else 0
    if arguments[:1] != ["run"] or len(arguments) != 2:
        sys.exit(__doc__)
    with open(arguments[1]) as file:
        config = json.load(file)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    running = os.path.dirname(config["progress"])
    os.makedirs(running, exist_ok=True)
    problem = os.path.join(running, "problem")
    try:
        install_missing(config.get("packages", []))
        # What kept an earlier try from its work does not keep this one; the journal has it.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(problem)
        work = importlib.import_module(config["type"])
        work.run(config, Progress(config["progress"], work.UNIT))
    except Exception as error:
        # Who waits for the workload reads it over SSH.
        with open(problem, "w") as file:
            file.write("%s\n" % error)
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
