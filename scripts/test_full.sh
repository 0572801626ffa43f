#!/usr/bin/env bash
# Tests against nerfstudio, PyTorch3D and Ray, in an environment of their own (.venv-full, 7 GB, minutes to install):
# nerfstudio and PyTorch3D want an older numpy and the default builds of torch, which the suite's own environment avoids.
# usage: scripts/test_full.sh [pytest arguments]
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV_FULL:-.venv-full}
if [ ! -x "$venv/bin/python" ]; then
  for python in ${PYTHON:-} python3.11 python3; do
    "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && break
  done
  "$python" -m venv "$venv"
fi
wanted=$(cat pyproject.toml scripts/test_full.sh | sha256sum)
if [ ! -f "$venv/.installed" ] || [ "$(cat "$venv/.installed")" != "$wanted" ]; then
  pip() { "$venv/bin/python" -m pip --disable-pip-version-check -q "$@"; }
  pins=(torch==2.11.0 torchvision==0.26.0 numpy==1.26.4)
  pip install "${pins[@]}"
  # multiprocess 0.70.19, which nerfstudio would take, starts no processes under Python 3.11.7.
  pip install "${pins[@]}" nerfstudio==1.1.5 easypytorch3d==0.7.9.post1 open3d==0.20.0 ray==2.60.0 multiprocess==0.70.16
  # The suite without its dependencies: its open3d-cpu would lie over nerfstudio's open3d.
  pip install "${pins[@]}" xxhash constriction numba safetensors tyro rich small-gicp fast-simplification torch-geometric trimesh pytest hypothesis
  pip install --no-deps -e .
  echo "$wanted" > "$venv/.installed"
fi
# A slow machine must not make Ray give up while it starts.
export RAY_raylet_start_wait_time_s=120 RAY_agent_register_timeout_ms=120000
exec "$venv/bin/python" -m pytest -m "" tests/interop tests/export tests/recon/nerfstudio tests/batch "$@"
