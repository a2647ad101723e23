#!/bin/sh
# Installs what nextc is built and tested with, on Debian or Ubuntu; only what is missing. Works as root, else with sudo.
#   scripts/install_deps.sh [PACKAGE...]   these too
set -eu

# gcc, make, cmake, pkg-config: the build      libprotobuf-c, protobuf-c-compiler, libonnx: the ONNX reader
# libyaml: descriptions, and the JSON of checkpoints
# llvm-19-dev: the JIT     libpng, libjpeg: pictures for 'nextc run'     python3-venv: tests of the Python package
# clang, tcc, g++: tests compile what nextc emits with them too
packages="gcc libc6-dev make cmake pkg-config libprotobuf-c-dev protobuf-c-compiler libonnx-dev libyaml-dev clang tcc g++ $*"

if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "install_deps: no Debian system; needed here: $packages (by whatever names they have)" >&2
  exit 0
fi

missing=
for package in $packages; do
  case "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)" in
    *"install ok installed") ;;
    *) missing="$missing $package" ;;
  esac
done
if [ -z "$missing" ]; then
  echo "install_deps: everything is there"
  exit 0
fi

as_root=
if [ "$(id -u)" != 0 ]; then as_root=sudo; fi
echo "install_deps: installing$missing"
$as_root apt-get update -q
# shellcheck disable=SC2086  # a list of words
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -q --no-install-recommends $missing
