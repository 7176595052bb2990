"""A server's process: signals reach its event loop, and nothing that still works holds up its end."""

import signal
import subprocess
import sys
import textwrap

import pytest


def run(code: str, timeout: float = 240.0) -> subprocess.CompletedProcess:
    """A Python process with that code; it would go on for an hour if something held it up."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


@pytest.mark.parametrize(("end", "code"), [("lambda: 3", 3), ("lambda: sys.exit(143)", 143)])
def test_threads_that_work_do_not_hold_up_the_end(end, code):
    done = run(f"""
        import sys, threading, time
        from nanospeech_core.system import serving

        workers = serving.Workers(2)
        workers.submit(time.sleep, 3600)
        threading.Thread(target=time.sleep, args=(3600,), name=serving.MODEL, daemon=True).start()
        workers.shutdown()
        print("the last words", end="")
        sys.exit(serving.run_and_end({end}))
    """)
    assert (done.returncode, done.stdout, done.stderr) == (code, "the last words", "")


def test_idle_threads_end_as_usual():
    done = run("""
        import atexit, sys, threading
        from nanospeech_core.system import serving

        atexit.register(print, "at exit")
        workers = serving.Workers(2)
        workers.submit(print, "worked").result()
        workers.shutdown()
        sys.exit(serving.run_and_end(lambda: 5))
    """)
    assert (done.returncode, done.stdout) == (5, "worked\nat exit\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels_the_work_and_is_raised_again(number):
    """It comes while a task cleans up, where an exception would be lost."""
    done = run(f"""
        import asyncio, os, signal
        from nanospeech_core.system import process, serving

        async def work():
            try:
                try:
                    raise ValueError
                except ValueError:
                    os.kill(os.getpid(), {int(number)})
                await asyncio.sleep(3600)
            finally:
                await asyncio.sleep(0)
                print("cleaned up")

        @process.command("prog")
        def main(argv, prog):
            asyncio.run(serving.until_signaled(work()))
            return 0

        raise SystemExit(main())
    """)
    assert (done.returncode, done.stdout) == (128 + number, "cleaned up\n")
    assert done.stderr == ("prog: interrupted\n" if number == signal.SIGINT else "")


def test_work_that_ends_or_fails_needs_no_signal():
    done = run("""
        import asyncio
        from nanospeech_core.system.serving import until_signaled

        async def fails():
            raise OSError("the address is gone")

        asyncio.run(until_signaled(asyncio.sleep(0)))
        try:
            asyncio.run(until_signaled(fails()))
        except OSError as error:
            print(error)
    """)
    assert done.stdout == "the address is gone\n" and done.returncode == 0
