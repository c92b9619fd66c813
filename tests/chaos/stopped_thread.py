"""Holds one thread of a process while the others run, as a tracer does (SIGSTOP stops all of them)."""

import ctypes
import os
import pathlib

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WAIT_ALL_CHILDREN = 0x40000000  # __WALL: threads too

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request, thread):
    if _libc.ptrace(request, thread, None, None) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"ptrace {request:#x} of thread {thread}: {os.strerror(error)}")


def threads_named(pid, prefix):
    """Ids of the threads whose name begins so."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().startswith(prefix):
            found.append(int(task.name))
    return sorted(found)


class HeldThread:
    def __init__(self, thread):
        self.thread = thread
        _ptrace(PTRACE_SEIZE, thread)
        _ptrace(PTRACE_INTERRUPT, thread)
        os.waitpid(thread, WAIT_ALL_CHILDREN)

    def release(self):
        _ptrace(PTRACE_DETACH, self.thread)
