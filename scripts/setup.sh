#!/usr/bin/env bash
# Make .venv ready: Debian's shared libraries, the CPU build of torch where there is no GPU, the project (editable).
# usage: scripts/setup.sh EXTRA   (an optional-dependency group of pyproject.toml: all | dev)
set -euo pipefail
cd "$(dirname "$0")/.."
extra=${1:-all}
venv=${VENV:-.venv}

# What Open3D loads at import (first four) and to draw without a screen (the rest).
debian_packages=(libusb-1.0-0 libgl1 libgomp1 libx11-6 libegl1 mesa-vulkan-drivers)
if command -v dpkg-query >/dev/null; then
  missing=()
  for package in "${debian_packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  if ((${#missing[@]})); then
    if [ "$(id -u)" = 0 ]; then as_root=(env); elif sudo -n true 2>/dev/null; then as_root=(sudo); else as_root=(); fi
    if ((${#as_root[@]})); then
      echo "installing Debian packages: ${missing[*]}"
      "${as_root[@]}" apt-get update -qq
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
    else
      echo "These Debian packages are missing and this user may not install them. Run this, then make again:" >&2
      echo "    sudo apt-get update && sudo apt-get install -y ${missing[*]}" >&2
      exit 1
    fi
  fi
fi

if [ ! -x "$venv/bin/python" ]; then
  python=""
  for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then python=$candidate; break; fi
  done
  [ -n "$python" ] || { echo "Python 3.11 to 3.13 is needed: sudo apt-get install -y python3 python3-venv, or PYTHON=/path/to/python make …" >&2; exit 1; }
  "$python" -m venv "$venv" || { rm -rf "$venv"; echo "The venv module is missing: sudo apt-get install -y python3-venv" >&2; exit 1; }
fi

# Quick when nothing changed since the last install of this or a wider group.
stamp="$venv/.installed-$extra"
wanted=$(cat pyproject.toml scripts/setup.sh | sha256sum)
for done_stamp in "$stamp" "$venv/.installed-dev"; do
  if [ -f "$done_stamp" ] && [ "$(cat "$done_stamp")" = "$wanted" ]; then exit 0; fi
done

pip() { "$venv/bin/python" -m pip --disable-pip-version-check -q "$@"; }
torch_version=2.13.0
if ! "$venv/bin/python" -c 'import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)'; then
  if [ "$(uname -sm)" = "Linux x86_64" ] && ! nvidia-smi -L >/dev/null 2>&1; then
    # PyPI's Linux build brings gigabytes of CUDA. The CPU build has a version of its own: from a local wheel folder if
    # pip is set up with one, else from PyTorch's index.
    pip install "torch==$torch_version+cpu" 2>/dev/null ||
      pip install "torch==$torch_version" --index-url https://download.pytorch.org/whl/cpu
  else
    pip install "torch==$torch_version"
  fi
fi
echo "installing geo3d-suite[$extra] into $venv (minutes the first time)"
pip install -e ".[$extra]"
echo "$wanted" > "$stamp"
