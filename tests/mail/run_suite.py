#!/usr/bin/env python3
"""A suite of the standards of mail, if the data are there: run_suite.py PROGRAM FILE TESTS."""
import os
import re
import subprocess
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peer"))
import peers


def unpack(archive, member):
    """Where the member of the archive is, as a file; the archive where that is not there."""
    if not member or not os.path.exists(archive):
        return archive
    path = os.path.join(peers.BUILD, "tests", os.path.basename(member))
    with tarfile.open(archive) as tar, open(path, "wb") as f:
        f.write(tar.extractfile(member).read())
    return path


def main(name, path, tests):
    archive, _, member = path.partition(":")
    path = unpack(os.path.join(peers.DATA, *archive.split("/")), member)
    program = os.path.join(peers.BUILD, "tests", name)
    if not os.path.isdir(peers.DATA):
        print(f"1..0 # SKIP {peers.DATA} is not there")
        return 0
    p = subprocess.run([program, path], stdout=subprocess.PIPE, timeout=100)
    sys.stdout.write(p.stdout.decode("utf-8", "replace"))
    if not re.search(rb"^1\.\.%d$" % int(tests), p.stdout, re.M):
        print(f"# the file has other than {tests} tests")
        return 1
    return p.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
