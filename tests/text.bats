# The training text: each source's lines, cleaning, what is dropped and held out; the recipe on packages made here. No network.
load helper
setup() {
    helper_setup
    unset MAKEFLAGS MAKELEVEL
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
    HOW=$ROOT/pipelines/text
}

# ---- each source

@test "text: HTML and Mallard: a paragraph a line, inline tags and line breaks gone, no code, no frame of the page" {
    cat >in.html <<'HTML'
<!DOCTYPE html>
<html><head><title>Find &amp; replace</title><script>if (a<b) p("<p>script</p>");</script><style>p{}</style></head>
<body><header><p>LibreOffice Help</p></header><!-- <p>a comment</p> -->
<aside><ul><li>an index</li></ul></aside>
<p>Press <span class="menuitem">Find</span>
   or <span hidden="true" id="MACx" class="MAC"><span class="keycode">Command</span></span><span class="keycode">Ctrl</span>+F.</p>
<pre>Dim x As Object</pre><ul><li>one<li>two</ul>three<br>four
<footer><p>This page is: /text/x.xhp</p></footer></body></html>
HTML
    cat >in.page <<'XML'
<page xmlns="x"><info><credit><name>Anna</name><years>2011</years></credit><desc>Set <em>it</em> up.</desc></info>
  <title>Setting up</title><p>Open <gui>Files</gui>
  now.</p><screen>ls -l</screen><credit/><list><item><p>first</p></item></list></page>
XML
    awk -f "$HOW/pages.awk" in.html in.page | sed 's/^ //; s/ $//' >got
    diff got - <<'TEXT'
Find &amp; replace
Press Find or Ctrl+F.
one
two
three
four
Set it up.
Setting up
Open Files now.
first
TEXT
}

@test "text: messages: every plural of what is translated, joined and unescaped" {
    cat >in.po <<'PO'
msgid ""
msgstr "Language: fr\n"

msgctxt "menu"
msgid "_Open"
msgstr "_Ouvrir"

msgid "Same"
msgstr "Same"

msgid "%d file"
msgid_plural "%d files"
msgstr[0] "un \"fichier\""
msgstr[1] "des "
"fichiers\nici"

msgid "Not done"
msgstr ""
PO
    awk -f "$HOW/messages.awk" in.po | diff - <(printf '_Ouvrir\nun "fichier"\ndes fichiers ici\n')
}

@test "text: Fluent and properties: values, attributes, variants; no keys, placeables or quotes left empty" {
    cat >in.ftl <<'FTL'
# no comment
window-title = Welcome to { -brand-short-name } again
tab-close =
    .label = Close tabs
    .accesskey = C
n = { $n ->
    [one] One tab
   *[other] { $n } tabs
}
gone = No page “{ $x }”
notFound=The server %S is\nslow
FTL
    awk -f "$HOW/fluent.awk" in.ftl | sed 's/^ *//; s/ *$//; /^$/d' |
        diff - <(printf '%s\n' 'Welcome to Firefox again' 'Close tabs' 'One tab' 'tabs' 'The server  is slow')
}

@test "text: wiki: links keep their words, templates their first form" {
    printf '%s\n' "See [[Help:Edit|the '''help''']] or [[Talk]] at [https://x.org/y here], \$1 {{PLURAL:\$1|page|pages}}{{GENDER}}." |
        sed -f "$HOW/wiki.sed" | diff - <(echo "See the help or Talk at here,  page.")
}

@test "text: descriptions: long ones, a paragraph or an item a line" {
    cat >in <<'TXT'
Package: a
Description-md5: 0123
Description-fr: courte
 Un paragraphe
 sur deux lignes.
 .
 Puis :
  * un point
  - un autre
 et la suite

Package: b
Description-fr: sans suite
TXT
    awk -f "$HOW/descriptions.awk" in | diff - <(printf '%s\n' 'Un paragraphe sur deux lignes.' 'Puis :' 'un point' 'un autre' 'et la suite')
}

# ---- cleaning

@test "text: cleaning: entities, tags, odd spaces and marks; no addresses, code, short or repeated lines" {
    printf '%s\n' '  A <b>bold</b>&nbsp;&lt;word&gt; &amp;  more ' $'soft\u00adly wal\u200bking\u2011man\u00a0slowly' \
        '_File with accele~rator' 'see http://example.org please' 'print %d of the pages' 'a path /usr/share/doc here' '{ code in here }' $'a bell \a rings here' $'it was\x19t text' \
        'short' 'A line said twice here' 'A line said twice here' '1234567890 12345' 'not translated at all' >in
    printf 'not translated at all\n' >english
    awk -v native=0 -v english=english -f "$HOW/clean.awk" in >got
    diff got - <<'TEXT'
A bold <word> & more
softly walking-man slowly
File with accelerator
A line said twice here
TEXT
}

@test "text: cleaning: what is not Latin has twice as many bytes of its own as letters of English" {
    printf '%s\n' 'เปิดแฟ้ม PDF ใหม่' 'Open file ใหม่' 'Привет, мир' 'untranslated words' >in
    awk -v native=1 -f "$HOW/clean.awk" in | diff - <(printf '%s\n' 'เปิดแฟ้ม PDF ใหม่' 'Привет, мир')
}

# ---- order

@test "text: the digits in front of a line follow from its bytes and the seed" {
    # ((seed * B + byte ...) * B + 1 three times) modulo 2^31 - 1, computed with Python's whole numbers
    printf '\na\nb\nThe quick brown fox\nผู้ใช้\n0\n' | awk -v seed=1 -f "$HOW/hash.awk" >got
    diff got <(printf '%s\t%s\n' 1503708057 '' 1742718431 a 1330348396 b 0584593511 'The quick brown fox' 0530283630 'ผู้ใช้' 0474013676 0)
    [[ $(echo a | awk -v seed=2 -f "$HOW/hash.awk") == $'0767062872\ta' ]]
}

# ---- what two files share

# noise SEED LINES: lines of 0 to 120 random letters
noise() { awk -v s="$1" -v m="$2" 'BEGIN { srand(s); while (m--) { t = ""; k = int(rand() * 120); while (k--) t = t sprintf("%c", 97 + int(rand() * 26)); print t } }'; }

@test "text: n bytes in common are found wherever they are, n - 1 are not" {
    noise 1 3 >small
    printf '%s\n' ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijkl >>small # 48
    for ((i = 0; i < 80; i++)); do printf '%*s' $i '' | tr ' ' .; tail -1 small; done >large
    tail -1 small | cut -c1-47 >>large
    tail -1 small | cut -c2-48 | sed 's/^/-/' >>large
    echo >>large
    awk -v n=48 -v keep=second -v dropped=gone -f "$HOW/shared.awk" small large >kept
    cmp gone <(head -80 large)
    cmp kept <(tail -3 large)
    awk -v n=48 -v keep=first -v dropped=gone -f "$HOW/shared.awk" small large >kept
    cmp kept <(head -3 small)
    cmp gone <(tail -1 small)
}

@test "text: a short line of the evaluation text is found where it stands whole, in Chinese as in what was made here" {
    short=$(awk 'length($0) >= 24 && length($0) < 48' "$ROOT/pipelines/data/udhr/eval/cmn_hans.txt")
    (($(wc -l <<<"$short") == 2))
    { echo 12345678901234567890123; echo 123456789012345678901234; } >>small # one byte less than half, and half
    cat "$ROOT/pipelines/data/udhr/eval/cmn_hans.txt" >>small
    while read -r line; do printf '%s\n' "$line" "x$line" "又一行：$line又" "${line:0:9}-${line:9}"; done <<<"$short" >large
    printf '%s\n' -12345678901234567890123- -123456789012345678901234- >>large
    awk -v n=48 -v keep=second -v dropped=gone -f "$HOW/shared.awk" small large >kept
    cmp kept <(sed -n '4p;8,9p' large)
    cmp gone <(sed -n '1,3p;5,7p;10p' large)
    awk -v n=48 -v keep=first -f "$HOW/shared.awk" <(tail -1 large) large | cmp - <(tail -1 large) # phrases stay apart from nothing
}

@test "text: what two files share is what a search for every n bytes finds" {
    for n in 3 4 7; do
        noise $n 60 | cut -c1-9 >small
        noise 9$n 300 >large
        awk -v n=$n '{ for (i = 1; i + n - 1 <= length($0); i++) print substr($0, i, n) }
            length($0) >= int(n / 2) && length($0) < n' small | sort -u >spans
        grep -v -F -f spans large >want || true
        awk -v n=$n -v keep=second -f "$HOW/shared.awk" small large | cmp - want
        awk -v n=$n '{ for (i = 1; i + n - 1 <= length($0); i++) print substr($0, i, n) }' large | sort -u >spans
        grep -v -F -f spans small >want || true
        awk -v n=$n -v keep=first -f "$HOW/shared.awk" small large | cmp - want
        [[ -s want || $n == 3 ]]
    done
    awk -v n=48 -v keep=second -f "$HOW/shared.awk" /dev/null large | cmp - large
    awk -v n=48 -v keep=first -v dropped=gone -f "$HOW/shared.awk" small /dev/null | cmp - small
    [[ -e gone && ! -s gone ]]
}

# ---- the recipe, on packages made here

needs_tools() {
    for tool in msgunfmt msgfmt uconv jq unzip dpkg-deb mlr; do
        command -v $tool >/dev/null || skip "$tool is not here (make deps-model)"
    done
}
text() { make -s -C "$ROOT" -f pipelines/text.mk OUT="$PWD/out" DOWNLOADS="$PWD/debs" STEMS="eng fra tha" VALID=400 "$@"; }

# package NAME: a .deb of ./NAME in debs/, and the row that fetch.sh writes of it
package() {
    mkdir -p "$1/DEBIAN" debs
    printf 'Package: %s\nVersion: 1:2-3\nArchitecture: all\nMaintainer: a <a@b.c>\nDescription: toy\n' "$1" >"$1/DEBIAN/control"
    dpkg-deb -b -Znone "$1" "debs/$1.deb" >/dev/null
    echo "$1,1:2-3,$1.deb,$(stat -c %s "debs/$1.deb"),$(sha256sum <"debs/$1.deb" | cut -c1-64)" >"debs/$1.csv"
}
# put FILE: stdin, in folders made for it
put() { mkdir -p "${1%/*}" && cat >"$1"; }
# sentences FORMAT N: with the numbers 1 to N
sentences() { for ((k = 1; k <= $2; k++)); do printf "$1\n" $k; done; }

toy_packages() {
    needs_tools
    local declared
    declared=$(sed -n 3p "$ROOT/pipelines/data/udhr/eval/fra.txt" | cut -c1-60)
    {
        echo "<html><body>"
        sentences '<p>La phrase numéro %d du manuel traduit.</p>' 120
        echo "<p>On y lit : $declared, et la suite.</p><p>You read the manual number 7.</p></body></html>"
    } | put libreoffice-help-fr/usr/share/libreoffice/help/fr/text/a/b.html
    sentences '<p>You read the manual number %d.</p>' 90 | put libreoffice-help-en-us/usr/share/libreoffice/help/en-US/text/a.html
    for code in fr th; do
        cp "$DATA/text/toy.xpi" toy.xpi
        put firefox-esr-l10n-$code/usr/lib/firefox-esr/browser/extensions/langpack.xpi <toy.xpi
    done
    mkdir -p firefox-esr-l10n-en-gb
    declared=$(sed -n 1p "$ROOT/pipelines/data/udhr/calib/tha.txt" | head -c 60)
    {
        printf 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n'
        for i in $(seq 1 80); do printf '\nmsgid "line %s"\nmsgstr "ข้อความแปลเป็นภาษาไทยบรรทัดที่ %s"\n' "$i" "$i"; done
        printf '\nmsgid "declared"\nmsgstr "%s"\n' "$declared"
    } >th.po
    mkdir -p libreoffice-l10n-th/usr/lib/resource/th/LC_MESSAGES
    msgfmt -o libreoffice-l10n-th/usr/lib/resource/th/LC_MESSAGES/sw.mo th.po
    mkdir -p debs && echo libreoffice-l10n-fr,,,0, >debs/libreoffice-l10n-fr.csv # what apt does not offer
    put mediawiki/usr/share/mediawiki/i18n/fr.json <<<'{"@metadata":{"authors":["Un auteur de la page"]},"a":"Lisez [[x|cette aide]] avant tout","b":["x"]}'
    put mediawiki/usr/share/mediawiki/i18n/en.json <<<'{"a":"Read [[x|this help]] before anything"}'
    put dasher-data/usr/share/dasher/training_french_FR.txt < <(printf '\xef\xbb\xbfUne histoire du soir\xff, longue et belle.\nUne phrase qui\0 finit mal.\n')
    for p in libreoffice-help-fr libreoffice-help-en-us firefox-esr-l10n-{fr,th,en-gb} libreoffice-l10n-th mediawiki dasher-data; do package $p; done
    touch debs/index-none
    toy=(SOURCES="help office firefox mediawiki dasher")
}

@test "text: the recipe: every source is read, the Declaration and what was not translated are dropped, the rest kept" {
    toy_packages
    run --separate-stderr text "${toy[@]}"
    [[ $status == 0 && ${lines[-1]} == "text: 3 languages in "* ]] || { echo "$output$stderr"; false; }
    [[ $stderr == *"text: office: nothing for 'fr' in libreoffice-l10n-fr"* ]]
    dir=${lines[-1]#* in }
    cat "$dir"/{train,valid}/fra.txt >fra
    grep -qx 'La phrase numéro 77 du manuel traduit.' fra
    grep -qx 'Bienvenue dans Firefox aujourd’hui' fra
    grep -qx 'Plusieurs onglets sont ouverts' fra
    grep -qx 'Lisez cette aide avant tout' fra
    grep -qx 'Une histoire du soir, longue et belle.' fra
    run ! grep -E 'On y lit|manual|auteur|secret|introuvable|Une phrase' fra
    grep -q '^On y lit' "$dir/dropped/evaluation-fra.txt"
    [[ $(wc -l <"$dir/dropped/evaluation-tha.txt") == 1 ]]
    # French sentences are not Thai
    cat "$dir"/{train,valid}/tha.txt >tha
    run ! grep -v 'ข้อความ' tha
    # the tables add up
    for stem in eng fra tha; do
        (($(mlr --icsv --onidx filter '$stem == "'$stem'"' then cut -f bytes "$dir/languages.csv") == $(wc -c <"$dir/train/$stem.txt")))
    done
    near "$(mlr --icsv --onidx stats1 -a sum -f share "$dir/languages.csv")" 1 1e-5
    mlr --icsv --onidx filter '$source == "help" && $stem == "fra"' then cut -o -f package,version,sha256 "$dir/sources.csv" |
        diff - <(echo "libreoffice-help-fr 1:2-3 $(sha256sum <debs/libreoffice-help-fr.deb | cut -c1-64)")
    [[ $stderr == *"text: eng: only 2"*" bytes to train on"* ]]
    run ! grep -E 'index|fetch' <<<"$stderr"
}

@test "text: control: without the evaluation text named, its sentences stay" {
    toy_packages
    text "${toy[@]}" EVALUATION= >log 2>&1
    dir=$(sed -n 's/.* languages in //p' log)
    cat "$dir"/{train,valid}/fra.txt >all
    grep -q '^On y lit' all
}

@test "text: held out: disjoint, nothing of 48 bytes in common, the same from run to run; SEED changes it, CAP does not" {
    toy_packages
    # sentences that differ in a number share more than 48 bytes: only a smaller part of the toy text can be held out
    text "${toy[@]}" SHARED=200 >log 2>&1
    a=$(sed -n 's/.* languages in //p' log)
    for stem in eng fra tha; do
        run ! grep -qxF -f "$a/valid/$stem.txt" "$a/train/$stem.txt"
        valid=$(wc -c <"$a/valid/$stem.txt") tenth=$(($(wc -c <"$a/steps/$stem.pool") / 10))
        ((valid <= 400 && valid <= tenth && (valid > 300 || valid > tenth - 100)))
        sort "$a"/steps/$stem.pool | cmp - <(sort "$a"/{train,valid}/$stem.txt)
    done
    text "${toy[@]}" SHARED=200 OUT="$PWD/again" -j3 >log 2>&1
    for part in train valid; do diff -r "$a/$part" "$(sed -n 's/.* languages in //p' log)/$part"; done
    text "${toy[@]}" SHARED=200 SEED=2 >log 2>&1
    b=$(sed -n 's/.* languages in //p' log)
    for stem in eng fra tha; do
        run ! cmp -s "$a/valid/$stem.txt" "$b/valid/$stem.txt"
        cmp <(sort "$a/steps/$stem.pool") <(sort "$b/steps/$stem.pool")
    done
    text "${toy[@]}" SHARED=200 CAP=1000 >log 2>&1
    b=$(sed -n 's/.* languages in //p' log)
    diff -r "$a/valid" "$b/valid"
    for stem in eng fra tha; do
        bytes=$(wc -c <"$b/train/$stem.txt")
        ((bytes <= 1000 && bytes > 900))
        cmp "$b/train/$stem.txt" <(head -c "$bytes" "$a/train/$stem.txt")
    done
    text "${toy[@]}" SHARED=20 >log 2>&1
    b=$(sed -n 's/.* languages in //p' log)
    awk -v n=20 -v keep=first -f "$HOW/shared.awk" "$b/valid/fra.txt" "$b/train/fra.txt" | cmp - "$b/valid/fra.txt"
    [[ -s $b/dropped/valid-fra.txt ]]
}

@test "text: a package that was cut or changed is refused, and no text is made of it" {
    toy_packages
    truncate -s -1 debs/libreoffice-help-fr.deb
    run -2 --separate-stderr text "${toy[@]}"
    [[ $stderr == *"debs/libreoffice-help-fr.deb: not the "*" bytes that were fetched: remove it and "* ]]
    printf x >>debs/libreoffice-help-fr.deb
    run -2 --separate-stderr text "${toy[@]}"
    [[ $stderr == *"debs/libreoffice-help-fr.deb: not the "* ]]
    run find out -name fra.txt
    [[ $output != *train/fra.txt* && $output != *help/fra.txt* ]]
}

@test "text: runs at once in one place wait for each other, and each gives what it gives alone" {
    toy_packages
    text "${toy[@]}" OUT="$PWD/alone" >log 2>&1
    mkdir -p out/text
    exec 9>out/text/lock
    flock 9
    for cap in 1000 2000 ""; do text "${toy[@]}" -j2 CAP=$cap >"log$cap" 2>"err$cap" 9>&- & done
    for cap in 1000 2000 ""; do
        for ((i = 0; i < 300; i++)); do [[ ! -s err$cap ]] || break; sleep 0.05; done
        [[ $(<err$cap) == "text: $PWD/out/text: another run is at work there: waiting for its end" ]]
    done
    [[ -z $(find out -name '*.txt') ]]
    exec 9>&-
    for job in $(jobs -p); do wait "$job"; done
    made=$(sed -n 's/.* languages in //p' log)
    for cap in 1000 2000 ""; do
        dir=$(sed -n 's/.* languages in //p' "log$cap")
        diff -r "$made/valid" "$dir/valid"
        cmp "$made/sources.csv" "$dir/sources.csv"
        for stem in eng fra tha; do cmp <(head -c "$(wc -c <"$dir/train/$stem.txt")" "$made/train/$stem.txt") "$dir/train/$stem.txt"; done
    done
    diff -r "$made/train" "$dir/train"
}

@test "text: what cannot work is said first" {
    needs_tools
    run -2 --separate-stderr text STEMS="eng xxx"
    [[ $stderr == *"STEMS: not in pipelines/text/languages.csv: xxx"* ]]
    run -2 --separate-stderr text SOURCES="help film"
    [[ $stderr == *"SOURCES: not in pipelines/text/sources.csv: film"* ]]
    run -2 --separate-stderr text SOURCES=help
    [[ $stderr == *"none of SOURCES has tha"* ]]
    mkdir path
    for tool in make bash mkdir nproc tail cut tr awk uconv jq; do ln -s "$(command -v $tool)" path/; done
    run -2 --separate-stderr env PATH="$PWD/path" make -s -C "$ROOT" -f pipelines/text.mk OUT="$PWD/out"
    [[ $stderr == *"not installed: msgunfmt unzip: run make deps-model"* ]]
}

@test "text: every language's text can be told by its file in the Declaration; every source has a package" {
    cut -d, -f1 "$HOW/languages.csv" | tail -n +2 | sort >stems
    comm -23 stems <(cut -d, -f1 "$ROOT/pipelines/data/udhr/languages.csv" | sort) | diff - /dev/null
    [[ -z $(uniq -d stems) && $(wc -l <stems) == 70 ]]
    awk -F, 'NF != 10' "$HOW/languages.csv" | diff - /dev/null
    diff <(cut -d, -f1 "$HOW/sources.csv" | tail -n +2) <(head -1 "$HOW/languages.csv" | tr , '\n' | tail -n +2)
}

# ---- apt, with an archive of our own

toy_archive() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || skip "no apt here"
    mkdir -p toy-data pool dists/toy/main/i18n
    echo text >toy-data/file
    package toy-data
    mv debs/toy-data.deb pool/toy-data_2-3_all.deb
    rm debs/toy-data.csv
    local arch
    arch=$(dpkg --print-architecture)
    mkdir -p "dists/toy/main/binary-$arch"
    {
        cat toy-data/DEBIAN/control
        printf 'Filename: pool/toy-data_2-3_all.deb\nSize: %s\nSHA256: %s\n\n' "$(stat -c %s pool/*.deb)" "$(sha256sum <pool/*.deb | cut -c1-64)"
    } >"dists/toy/main/binary-$arch/Packages"
    printf 'Package: toy\nDescription-md5: 0\nDescription-zh_CN: x\n \xe4\xb8\xad\xe6\x96\x87\n' >dists/toy/main/i18n/Translation-zh_CN
    {
        printf 'Suite: toy\nCodename: toy\nComponents: main\nArchitectures: %s\nDate: Tue, 03 Mar 2026 10:00:00 UTC\nSHA256:\n' "$arch"
        (cd dists/toy && for file in main/*/*; do echo " $(sha256sum <"$file" | cut -c1-64) $(stat -c %s "$file") $file"; done)
    } >dists/toy/Release
    echo "deb [trusted=yes] copy:$PWD toy main" >sources.list
    echo "Dir::Etc::SourceList \"$PWD/sources.list\"; Dir::Etc::SourceParts \"/dev/null\";" >apt.conf
    export APT_CONFIG=$PWD/apt.conf
}

@test "text: apt: packages and descriptions with version and checksum; what is not offered is said" {
    toy_archive
    "$HOW/fetch.sh" --index debs zh_CN
    "$HOW/fetch.sh" debs toy-data >row
    diff row <(echo "toy-data,1:2-3,toy-data.deb,$(stat -c %s pool/*.deb),$(sha256sum <pool/*.deb | cut -c1-64)")
    cmp debs/toy-data.deb pool/*.deb
    "$HOW/fetch.sh" debs Translation-zh_CN >row
    [[ $(<row) == "Translation-zh_CN,2026-03-03,Translation-zh_CN.txt,"* ]]
    cmp debs/Translation-zh_CN.txt dists/toy/main/i18n/Translation-zh_CN
    run -0 --separate-stderr "$HOW/fetch.sh" debs toy-absent
    [[ $stderr == "text: toy-absent: apt does not offer it here: left out" && $output == "toy-absent,,,0," ]]
    run -0 --separate-stderr "$HOW/fetch.sh" debs Translation-fr
    [[ $stderr == "text: Translation-fr: apt does not offer it here: left out" && $output == "Translation-fr,,,0," ]]
}

@test "text: apt: a package that is cut, changed or gone on the mirror is an error, and what is cut here goes on" {
    toy_archive
    "$HOW/fetch.sh" --index debs zh_CN
    cp pool/*.deb whole
    truncate -s -7 pool/*.deb
    run -1 --separate-stderr "$HOW/fetch.sh" debs toy-data
    [[ $stderr == *"text: toy-data: could not be fetched; make text goes on from here"* && -z $output && ! -e debs/toy-data.deb ]]
    rm pool/*.deb
    run -1 --separate-stderr "$HOW/fetch.sh" debs toy-data
    [[ $stderr == *"text: toy-data: could not be fetched"* && ! -e debs/toy-data.deb ]]
    cp whole pool/toy-data_2-3_all.deb
    mkdir -p debs/partial/toy-data
    head -c 300 whole >debs/partial/toy-data/toy-data_1%3a2-3_all.deb
    "$HOW/fetch.sh" debs toy-data >row
    cmp debs/toy-data.deb whole
    rm -r debs dists
    run -1 --separate-stderr "$HOW/fetch.sh" --index debs zh_CN
    [[ $stderr == *"text: apt-get update: failed"* ]]
}

# ---- the real one, where it has been made

@test "text: the text that was made shares no 48 bytes with the Declaration, in any language" {
    [[ ${SLOW:-} ]] || skip "slow: make check-all"
    made=$ROOT/pipelines/out/text
    [[ -f $made/languages.csv ]] || skip "no text was made (make text)"
    # by another way than the recipe's: every 48 bytes of the Declaration, and what it has of shorter lines, searched for as
    # they are, of each language in all
    stems=($(mlr --icsv --onidx cut -f stem "$made/languages.csv"))
    cat $(printf "$ROOT/pipelines/data/udhr/*/%s.txt " "${stems[@]}") |
        awk '{ for (i = 1; i + 47 <= length($0); i++) print substr($0, i, 48) } length($0) >= 24 && length($0) < 48' | sort -u >spans
    ((${#stems[@]} >= 14 && $(wc -l <spans) > 2000 * ${#stems[@]}))
    run -1 grep -a -c -F -f spans $(printf "$made/%s/%s.txt " $(for stem in "${stems[@]}"; do echo train $stem valid $stem; done))
    head -1 spans | sed 's/^/x/; s/$/y/' | grep -a -q -F -f spans
}
