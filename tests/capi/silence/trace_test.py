#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""trace_test.py PROGRAM MODEL IMAGE EXPORTS HEADER: runs life.c under strace and looks at each system call of each
function of the C interface: no network, no output, no signal handler, no other process, nothing that belongs to the
process changed, and no file opened but those that were asked for and those that the header names.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FORBIDDEN = re.compile(
    r"socket|connect|bind|listen|accept|send|recv|shutdown|getsockopt|setsockopt"  # The network.
    r"|p?write(v|64|v2)?|splice|tee|vmsplice|sendfile|copy_file_range"  # Output of any kind.
    r"|creat|mkdir|rmdir|unlink|rename|link|symlink|chmod|chown|truncate|utime|mknod|setxattr|fallocate"
    r"|chdir|fchdir|chroot|umask|dup|fcntl|ioctl|sigaltstack|kill|tkill|tgkill|alarm|setitimer|timer_create"
    r"|fork|vfork|execve|set[gu]id|setre[gu]id|setpriority|sched_set|setrlimit|personality|ptrace|mount|reboot|syslog"
)
# What the header names, besides the files that were asked for.
NAMED = (
    "/proc/self/cgroup",
    "/proc/self/mountinfo",
    "/proc/self/maps",
    "/sys/fs/cgroup/",
    "openssl.cnf",
    "/etc/localtime",
)
CALL = re.compile(r"^(\d+) +(\w+)\((.*)")  # Not where one is resumed: its arguments came before.
MARKER = re.compile(r'"/catdog-call/([^"]*)"')


def trace(command: list[str], folder: Path) -> list[str]:
    log = folder / "trace"
    run = subprocess.run(["strace", "-f", "-qq", "-s", "300", "-o", str(log), *command], capture_output=True, text=True)
    if run.returncode != 0 or run.stdout or run.stderr:
        sys.exit(f"{command[0]} ended with {run.returncode}: {run.stdout}{run.stderr}")
    return log.read_text().splitlines()


def problem_of(name: str, arguments: str, allowed: set[str]) -> str:
    if FORBIDDEN.fullmatch(name):
        return "is not for a library"
    if name in ("rt_sigaction", "prlimit64") and not re.match(r"\w+, (\w+, )?NULL", arguments):
        return "changes what belongs to the process"
    if name in ("clone", "clone3") and "CLONE_THREAD" not in arguments:
        return "starts another process"
    if name in ("open", "openat"):
        path = re.search(r'"([^"]*)"', arguments)
        if path is None or not ("O_RDONLY" in arguments or "O_PATH" in arguments) or "O_CREAT" in arguments:
            return "opens a file for more than reading"
        if path[1] not in allowed and not any(path[1].startswith(n) or path[1].endswith("/" + n) for n in NAMED):
            return "opens a file that the header doesn't name"
    return ""


def main() -> None:
    program, model, image, exports, header = sys.argv[1:]
    folder = Path(tempfile.mkdtemp())
    copy = folder / "model.pt"
    shutil.copy(model, copy)
    minisign = ["minisign", "-G", "-W", "-p", f"{folder}/public", "-s", f"{folder}/secret"]
    subprocess.run(minisign, check=True, capture_output=True, cwd=folder)
    subprocess.run(["minisign", "-S", "-s", f"{folder}/secret", "-m", copy], check=True, capture_output=True)
    key = (folder / "public").read_text().splitlines()[1]
    lines = trace([program, image, str(copy), f"{copy}.minisig", key], folder)

    problems, called, current, seen = [], set(), "", False
    main_thread = lines[0].split()[0]
    allowed = {image, str(copy), f"{copy}.minisig", "/nowhere/model.pt", "/nowhere/pet.jpg"}
    shipped = re.compile(r".*/best_model\.pt")
    for line in lines:
        if marker := MARKER.search(line):
            current = marker[1]
            called.add(current.split("/")[0])
            seen = True
            continue
        parts = CALL.match(line)
        # The library's threads work between the calls, too; the program's own thread looks at the process there.
        if not seen or parts is None or (not current and parts[1] == main_thread) or parts[2] == "exit_group":
            continue
        arguments = parts[3]
        opened = re.search(r'"([^"]*)"', arguments)
        if opened and current.endswith("/default") and shipped.fullmatch(opened[1]):
            continue
        if problem := problem_of(parts[2], arguments, allowed):
            problems.append(f"{current or 'a thread'}: {problem}: {line}")
    exported = set(re.findall(r"^\s+(catdog_\w+);", Path(exports).read_text(), re.M))
    problems += [f"{name} is not called by the program" for name in sorted(exported - called)]
    named = Path(header).read_text()
    problems += [f"the header doesn't name {name}" for name in NAMED if name not in named]
    if len(exported) < 40:
        problems.append(f"{exports} lists only {len(exported)} functions")
    shutil.rmtree(folder)
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(called)} functions, {len(lines)} system calls")


if __name__ == "__main__":
    main()
