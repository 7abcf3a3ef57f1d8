#!/usr/bin/env bash
# fetch.sh DIR PACKAGE             a package that apt offers, as DIR/PACKAGE.deb; Translation-XX: the descriptions of all packages
#                                  in the language XX, as DIR/Translation-XX.txt. stdout: package,version,file,bytes,sha256
# fetch.sh --index DIR LANGUAGE... first: apt's lists, with the descriptions in these languages, into DIR/apt
# SPDX-License-Identifier: GPL-3.0-or-later
# apt checks signatures and checksums, in folders of our own: no root, and the system's lists stay as they are. What was cut
# goes on where it was. A package that is not offered gives a row with an empty version, and a warning.
set -euo pipefail
fail() { echo "text: $*" >&2; exit 1; }
command -v apt-get >/dev/null || fail "apt-get: not here: the training text is made of packages of Debian or Ubuntu"

index=
[[ $1 != --index ]] || { index=yes; shift; }
mkdir -p "$1"
downloads=$(cd "$1" && pwd) apt=$downloads/apt
shift

if [[ $index ]]; then
    mkdir -p "$apt"/{lists,cache/archives}/partial
    {
        echo '#clear Acquire::Languages; #clear APT::Update::Post-Invoke; #clear APT::Update::Post-Invoke-Success;'
        echo "Dir::State::Lists \"$apt/lists\"; Dir::Cache \"$apt/cache\"; Dir::Cache::pkgcache \"pkgcache.bin\"; APT::Get::List-Cleanup \"false\";"
        echo "Debug::NoLocking \"true\";" # of the system, of which nothing is written; text.mk locks what is ours
        echo "APT::Sandbox::User \"$(id -un)\"; APT::Update::Error-Mode \"any\"; Acquire::Retries \"3\";"
        echo "Acquire::Languages {$(printf ' "%s";' "$@") };"
    } >"$apt/apt.conf"
    apt-get -q -c "$apt/apt.conf" update >&2 || fail "apt-get update: failed (its lines above say why)"
    apt-cache -q -c "$apt/apt.conf" gencaches >&2
    exit
fi

package=$1
not_offered() {
    echo "text: $package: apt does not offer it here: left out" >&2
    echo "$package,,,0,"
    exit
}
# row FILE VERSION: what is recorded of it
row() { echo "$package,$2,${1##*/},$(stat -c %s "$1"),$(sha256sum <"$1" | cut -d' ' -f1)"; }

if [[ $package == Translation-* ]]; then
    # zh_CN is spelt zh%5fCN; several archives may have some
    code=${package#Translation-}
    lists=("$apt"/lists/*_i18n_Translation-"${code/_/%5f}"{,.*})
    for i in "${!lists[@]}"; do [[ -s ${lists[i]} ]] || unset "lists[$i]"; done
    ((${#lists[@]})) || not_offered
    /usr/lib/apt/apt-helper -c "$apt/apt.conf" cat-file "${lists[@]}" >"$downloads/$package.tmp"
    mv "$downloads/$package.tmp" "$downloads/$package.txt"
    # as of the latest of the archives
    row "$downloads/$package.txt" "$(sed -n 's/^Date: //p' "$apt"/lists/*Release | date -u -f - +%F | sort | tail -1)"
    exit
fi

record=$(apt-cache -q -c "$apt/apt.conf" show --no-all-versions "$package" 2>/dev/null) || not_offered
value() { sed -n "s/^$1: //p" <<<"$record" | head -1; }
partial=$downloads/partial/$package
mkdir -p "$partial"
(cd "$partial" && apt-get -q -c "$apt/apt.conf" download "$package" >&2) ||
    fail "$package: could not be fetched; make text goes on from here (gone from the mirror? remove $apt and index-*)"
cp -L "$partial"/*.deb "$downloads/$package.tmp"
sha256sum --check --status <<<"$(value SHA256)  $downloads/$package.tmp" || fail "$package: is not what apt's list says"
mv "$downloads/$package.tmp" "$downloads/$package.deb"
rm -r "$partial"
row "$downloads/$package.deb" "$(value Version)"
