# SPDX-License-Identifier: Apache-2.0
# stub.py HEADER: prints a C file that defines each function that catdog.h declares. Its debug information describes the
# header's ABI, without building the library.
import re
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    header = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
functions = re.findall(r"CATDOG_API\s+([^;]*?\))\s*;", header)
assert len(functions) >= 25, functions
print('#include "catdog/catdog.h"')
for function in functions:
    print(" ".join(function.split()), "{ __builtin_trap(); }")
