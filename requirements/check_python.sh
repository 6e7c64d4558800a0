#!/bin/sh
# Says in one line why a Python cannot make the virtual environment: check_python.sh PYTHON
set -eu
python=$1

complain() {
    echo "libra-edge: $1" >&2
    exit 2
}

[ "$(uname -s)" = Linux ] || complain "runs on Linux, this is $(uname -s)"
command -v "$python" >/dev/null || complain "there is no '$python' here; name one with: make setup PYTHON=python3.12"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
case $version in
3.10 | 3.11 | 3.12) ;;
*) complain "'$python' is Python $version, needed is 3.10, 3.11 or 3.12; name one with: make setup PYTHON=python3.12" ;;
esac
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    complain "'$python' cannot make virtual environments; install them with: sudo apt install python$version-venv"
