"""The process of one task."""

import os
import signal
import subprocess
import sys
import time

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_task_ends_with_the_process_that_watches_it(tmp_path):
    mark = tmp_path / "alive"
    code = (
        "from geo3d.batch.worker import end_with_parent; end_with_parent(); import time, pathlib\n"
        f"pathlib.Path({str(mark)!r}).write_text('started'); time.sleep(3)\n"
        f"pathlib.Path({str(mark)!r}).write_text('survived')"
    )
    watcher = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"],
        env=os.environ,
    )
    while not mark.exists():
        time.sleep(0.05)
    watcher.send_signal(signal.SIGKILL)
    watcher.wait()
    time.sleep(4)
    assert mark.read_text() == "started"
