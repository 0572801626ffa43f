#!/usr/bin/env bash
# Build wheel and sdist, install each in an environment that holds no checkout, and compress a cloud with it.
# The third-party packages come from the development environment, so that this takes seconds; FULL=1 installs them anew.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$(realpath "${VENV:-.venv}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$venv/bin/python" -m build --outdir "$work/dist" . >"$work/build.log" 2>&1 || { tail -30 "$work/build.log" >&2; exit 1; }
if "$venv/bin/python" -m zipfile -l "$work"/dist/*.whl | grep -E '^(tests|samples|configs)/'; then
  echo "the wheel holds files that are not part of the packages" >&2
  exit 1
fi
for package in "$work"/dist/*.whl "$work"/dist/*.tar.gz; do
  env="$work/env-${package##*.}"
  "$venv/bin/python" -m venv "$env"
  if [ -n "${FULL:-}" ]; then
    "$env/bin/pip" install -q "torch==2.13.0+cpu" 2>/dev/null ||
      "$env/bin/pip" install -q torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    "$env/bin/pip" install -q "$package"
  else
    "$env/bin/pip" install -q --no-deps "$package"
    # A path line of a .pth file adds the folder but not the .pth files in it, so the editable checkout stays out.
    purelib='import sysconfig; print(sysconfig.get_paths()["purelib"])'
    "$venv/bin/python" -c "$purelib" >"$("$env/bin/python" -c "$purelib")/third_party.pth"
  fi
  (
    unset PYTHONPATH
    cd "$work"
    "$env/bin/python" -c 'import numpy as np; np.save("x.npy", np.unique(np.random.default_rng(0).integers(0, 64, (500, 3)), axis=0))'
    "$env/bin/geo3d" compress x.npy -o x.g3c --grid 1
    "$env/bin/geo3d" decompress x.g3c -o y.npy
    "$env/bin/python" - <<'PY'
import numpy as np, geo3d, geo3d_compression, geo3d_recon, geo3d_viewer
assert "env-" in geo3d.__file__, geo3d.__file__
x, y = np.load("x.npy"), np.load("y.npy")
assert sorted(map(tuple, x.tolist())) == sorted(map(tuple, y.tolist()))
PY
    rm -f x.npy x.g3c y.npy
  )
  echo "ok: $(basename "$package") installs and works"
done
