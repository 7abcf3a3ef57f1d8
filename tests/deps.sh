#!/usr/bin/env bash
# make deps: installs the packages named, on Debian and Ubuntu; elsewhere prints what to install.
set -euo pipefail

if ! command -v apt-get >/dev/null; then
    cat <<'EOF'
Install these with your package manager, then run make:
  Fedora:    gcc make zlib-devel libdeflate-devel libcsv-devel jansson-devel pcre2-devel libicu-devel icu gsl-devel glpk-devel
             openblas-devel onednn-devel bats parallel miller gnuplot dejavu-sans-fonts help2man
  Arch:      base-devel zlib libdeflate libcsv jansson pcre2 icu gsl glpk openblas onednn bats parallel miller gnuplot
             ttf-dejavu help2man
  Homebrew:  libdeflate libcsv jansson pcre2 icu4c gsl glpk openblas onednn bats-core parallel miller gnuplot help2man
EOF
    exit 1
fi

missing=()
for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
((${#missing[@]})) || exit 0

echo "installing: ${missing[*]}"
as_root=()
if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null || { echo "make deps: neither root nor sudo; install: ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q
"${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"
