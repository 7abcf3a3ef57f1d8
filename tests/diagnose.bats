# make diagnose on a tiny random model: the page's numbers are the tables', the tables' are the programs', the verdict keeps its
# rule, the controls keep the size, and nothing that a name holds gets into the markup.
load helper

setup_file() {
    unset MAKEFLAGS MAKELEVEL
    cd "$BATS_FILE_TMPDIR" || return 1
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
    mkdir text
    for l in eng fin tha; do sed 6q "$ROOT/pipelines/data/udhr/eval/$l.txt" >text/$l.txt; done
    diagnose out MENU="3 4 8" BUDGET=5.8 >said 2>warnings || { cat warnings; return 1; }
}
setup() {
    helper_setup
    unset MAKEFLAGS MAKELEVEL
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
    F=$BATS_FILE_TMPDIR
    HOW=$ROOT/pipelines/diagnose
    PAGE=$F/out/page.html
}
# diagnose DIR ARGUMENT...: on gpt2-a, which is worse than guessing, so that damage is KL
diagnose() {
    local golden=$ROOT/tests/data/golden
    make -s -C "$ROOT" -f pipelines/diagnose.mk DIR="$PWD/$1" MODEL="$golden/gpt2-a" TOKENIZER="$golden/tokenizer.json" \
        TEXT="$BATS_FILE_TMPDIR/text" DAMAGE=kl LIMIT=0.26 RESAMPLES=200 DRAWS=3 THREADS=2 "${@:2}"
}
value() { mlr --csv --headerless-csv-output filter "$2" then cut -o -f "$3" "$1"; }
# page_of DIR: the page of the tables in DIR
page_of() {
    awk -v dir="$1" -v names="$ROOT/pipelines/corpus/languages.csv" -v css="$HOW/page.css" -f "$HOW/table.awk" -f "$HOW/svg.awk" \
        -f "$HOW/verdict.awk" -f "$HOW/page.awk"
}
# well_formed < HTML: every element that is opened is closed, in order; every & is an entity
well_formed() {
    tr '\n' ' ' | sed 's/<!DOCTYPE html>//; s/</\n</g; s/>/>\n/g' | awk '
        /^<[a-z]/ { name = $1; gsub(/[<>\/]/, "", name); if (!/\/>$/) open[++depth] = name; next }
        /^<\// { name = $1; gsub(/[<>\/]/, "", name); if (open[depth--] != name) { print "wrong end: " name; bad = 1 }; next }
        /[<>]/ { print "stray: " $0; bad = 1 }
        { s = $0; gsub(/&(amp|lt|gt|quot|#39);/, "", s); if (s ~ /&/) { print "bare &: " $0; bad = 1 } }
        END { if (depth) print "open: " open[depth]; exit bad || depth }'
}

@test "diagnose: damage by language is ppl's, in the table and on the page" {
    ppl -m "$ROOT/tests/data/golden/gpt2-a" -t "$ROOT/tests/data/golden/tokenizer.json" --quant bits=4,per=channel,clip=minmax \
        "$F"/text/{eng,fin,tha}.txt 2>/dev/null >want.csv
    for l in eng fin tha; do
        close "$(value "$F/out/levels.csv" "\$lang == \"$l\"" estimate)" "$(value want.csv "\$lang == \"$l\"" kl)" 1e-12
        x=$(printf %.3f "$(value "$F/out/levels.csv" "\$lang == \"$l\"" estimate)")
        grep -q "<span class=\"soft code\">$l</span></th>.*<td>$x</td>" "$PAGE"
    done
    [[ $(value "$F/out/levels.csv" true lang | head -1) == "$(value want.csv true lang,kl | sort -t, -k2,2gr | head -1 | cut -d, -f1)" ]]
}

@test "diagnose: the level follows the interval and the limit" {
    mlr --icsv --onidx put -q 'w = $low > 0.26 ? "hurt" : $high <= 0.26 ? "spared" : "unclear"; if (w != $level) { print $lang }' \
        "$F/out/levels.csv" >wrong
    [[ ! -s wrong ]]
    mkdir t && cp "$F"/out/*.csv t/
    head=$(head -1 "$F/out/levels.csv")
    printf '%s\n' "$head" eng,spared,0.01,0.005,0.015,6,9,9.1,0.2 fin,spared,0.01,0.005,0.012,6,9,9.1,0.8 >t/levels.csv
    page_of t >p.html
    grep -q '<strong>No language is hurt.</strong>' p.html
    grep -q '<b>What to do: quantise as planned.</b>' p.html
    printf '%s\n' "$head" eng,hurt,0.5,0.4,0.6,6,9,9.1,1 fin,unclear,0.25,0.2,0.3,6,9,9.1,0 tha,spared,0.1,0,0.2,6,9,9.1,0 >t/levels.csv
    page_of t >p.html
    grep -q '<strong>1 of 3 languages is hurt; 1 is unclear.</strong>' p.html
    grep -q '▲ hurt: English\.' p.html && grep -q '◆ unclear: Finnish\.' p.html && grep -q '● spared: Thai\.' p.html
    printf '%s\n' "$head" tha,broken,,,,,9,900, eng,hurt,0.5,0.4,0.6,6,9,9.1,1 >t/levels.csv
    page_of t >p.html
    grep -q 'Worse than guessing once rounded: Thai\.' p.html && grep -q '<strong>Every language is hurt.</strong>' p.html
}

@test "diagnose: what is said of the recipe follows from its intervals and the random ones" {
    mkdir t && cp "$F"/out/*.csv t/
    said() { # LESS LOW HIGH RANDOM_WORST [BYTES [AGAINST]]
        { head -1 "$F/out/judged.csv"
          echo "plan,100,${6:-plan},3,0.1,0.1,0.1,tha,0.4,0.3,0.5,0,0,0"
          echo "bits-3,80,${6:-plan},3,0.1,0.1,0.1,tha,0.8,0.3,0.5,0,0,0"
          echo "worst,${5:-100},${6:-plan},3,0.1,0.1,0.1,tha,0.3,0.2,0.4,$1,$2,$3"
          echo "random-1,${5:-100},${6:-plan},3,0.1,0.1,0.1,tha,$4,0.2,0.4,0,0,0"; } >t/judged.csv
        page_of t >p.html
        grep 'not chosen from, the recipe' p.html
    }
    said 0.1 0.05 0.15 0.35 | grep -q 'hurts the worst-off language 25 % less than the plan.*None of 1 random recipe of its bytes does as well'
    grep -q 'What to do: take the recipe rather than the plan, if the size must stay. 8 bits spare every language' p.html
    run ! grep -q 'Measured, it is not shown to help' p.html
    said 0.1 -0.05 0.15 0.35 | grep -q 'is not shown to help the worst-off language'
    grep -q 'What to do: leave the recipe; it is not shown to be better than the plan\. ' p.html
    grep -q 'Measured, it is not shown to help' p.html
    run ! grep -q 'random recipe of its bytes' p.html
    said -0.1 -0.15 -0.05 0.35 | grep -q 'hurts the worst-off language more than the plan: do not use it (.*; more by 0.100, 95 % interval 0.050 to 0.150)'
    grep -q 'What to do: leave the recipe; it is worse than the plan\. ' p.html
    said -0.1 -0.25 0.05 0.35 | grep -q 'is not shown to help the worst-off language (.*; more by 0.100, 95 % interval −0.050 to 0.250)'
    grep -q 'What to do: leave the recipe; it looks worse than the plan\. ' p.html
    # of another size than the plan: that is said, and what it is held against
    said 0.1 0.05 0.15 0.35 124 | grep -q 'the recipe of 0.1 kB, 24 % larger than the plan (0.1 kB), hurts the worst-off language 25 % less than the plan'
    grep -q 'What to do: take the recipe rather than the plan, if there is room for 24 % more bytes than the plan’s\. ' p.html
    said 0.5 0.25 0.75 0.35 90 bits-3 | grep -q '10 % smaller than the plan (0.1 kB), hurts the worst-off language 62 % less than 3 bits for all (damage 0.800 with 3 bits for all to 0.300'
    grep -q 'What to do: take the recipe rather than 3 bits for all, if the model has to be 10 % smaller than planned\. ' p.html
    said -0.1 -0.15 -0.05 0.35
    sed -i 's/^plan,100,plan,3/plan,100,plan,2/' t/judged.csv
    page_of t >p.html
    grep -q 'the plan leaves 1 of 3 languages worse than guessing, the recipe 0; their damage cannot be compared' p.html
    said 0.1 0.05 0.15 0.3 | grep -q '1 of 1 random recipe of its bytes does as well: where the widths go matters little'
}

@test "diagnose: controls have the recipe's bytes and widths; position is llama.cpp's" {
    [[ $(value "$F/out/judged.csv" '$arm =~ "^(worst|position|random-.*)$"' bytes | sort -u | wc -l) == 1 ]]
    sum=$(mlr --icsv --onidx stats1 -a sum -f bytes "$F/out/recipe-worst.csv")
    [[ $(value "$F/out/judged.csv" '$arm == "position"' bytes) == "$sum" ]]
    for r in position random-1 random-2 random-3; do
        cmp <(value "$F/out/recipe-worst.csv" true bits | sort) <(value "$F/out/recipe-$r.csv" true bits | sort)
    done
    # 16 layers, half at 8 bits: the first and last eighth and every third between have them
    { echo quant,part,packed_bytes; for l in {0..15}; do echo "bits=3,$l,300"; echo "bits=8,$l,800"; done; } >sens.csv
    { echo part,layer,role,bits,bytes,damage; for l in {0..15}; do echo "$l,$l,,$((l < 8 ? 3 : 8)),$((l < 8 ? 300 : 800)),0"; done; } >recipe.csv
    awk -v by=position -f "$HOW/table.awk" -f "$HOW/elsewhere.awk" sens.csv recipe.csv >moved.csv
    [[ $(value moved.csv '$bits == 8' part | tr '\n' ' ') == "0 1 4 7 10 13 14 15 " ]]
    awk -v by=random -v seed=1 -v draw=1 -f "$HOW/table.awk" -f "$HOW/elsewhere.awk" sens.csv recipe.csv >a.csv
    awk -v by=random -v seed=1 -v draw=2 -f "$HOW/table.awk" -f "$HOW/elsewhere.awk" sens.csv recipe.csv >b.csv
    run ! cmp -s a.csv b.csv
    # parts of other sizes do not exchange
    sed -i 's/^bits=\([38]\),15,\([38]\)00/bits=\1,15,\299/' sens.csv
    for d in {1..20}; do awk -v by=random -v seed=1 -v draw=$d -f "$HOW/table.awk" -f "$HOW/elsewhere.awk" sens.csv recipe.csv | value /dev/stdin '$part == 15' bits; done >last
    [[ $(sort -u last) == 8 ]]
}

@test "diagnose: arms are what ppl finds of the recipes; the worst and what is taken off by hand" {
    modelcat --compress=0 "$ROOT/tests/data/golden/gpt2-a" | wquant --recipe "$F/out/recipe-worst.csv" -q -o w.t
    for l in eng fin tha; do awk 'NR % 2 == 0' "$F/text/$l.txt" >$l.txt; done
    ppl -m w.t --against "$ROOT/tests/data/golden/gpt2-a" -t "$ROOT/tests/data/golden/tokenizer.json" {eng,fin,tha}.txt 2>/dev/null >want.csv
    worst=$(value want.csv true kl | sort -g | tail -1)
    close "$(value "$F/out/judged.csv" '$arm == "worst"' worst)" "$worst" 1e-12
    plan=$(value "$F/out/arms.csv" '$arm == "plan"' estimate | sort -g | tail -1)
    near "$(value "$F/out/judged.csv" '$arm == "worst"' less)" "$(awk "BEGIN { printf \"%.17g\", $plan - $worst }")" 1e-12
    # held against the widest of the menu within the budget
    mkdir s
    { echo quant,part,packed_bytes; for b in 3 4 5; do printf '"bits=%s,per=channel,clip=minmax",%s,%s0\n' $b 0 $b $b 1 $b; done; } >s/sens.csv
    printf 'part,bits,bytes\n0,5,50\n1,3,30\n' >s/recipe-worst.csv
    held() { # BUDGET_BYTES PLAN BITS
        printf 'lang,budget_bytes\neng,%s\n' "$1" >s/expected-worst.csv
        mlr --csv put -q -s plan=bits=$2,per=channel,clip=minmax -s budget="$3" -f "$HOW/sizes.mlr" s/sens.csv s/expected-worst.csv s/recipe-worst.csv |
            mlr --icsv --onidx filter '$arm == "worst"' then cut -o -f bytes,against
    }
    [[ $(held 80 4 "") == "80 plan" && $(held 79 4 3.9) == "80 bits-3" && $(held 120 3 6) == "80 bits-5" && $(held 50 4 2.5) == "80 plan" ]]
    # the left-out prediction of one language, by hand
    mlr --icsv --onidx put -q 'if ($lang == "tha") { @x = $index; @p = $predicted } else { @s += $measured; @i += $index }
        end { print (@x * @s / @i) . " " . @p }' "$F/out/prediction.csv" >pair
    read -r want got <pair
    close "$got" "$want" 1e-12
}

@test "diagnose: the page is well-formed, needs nothing from elsewhere, and holds no script" {
    well_formed <"$PAGE"
    run ! grep -Eqi 'https?:|src=|href=|url\(|@import|<script|<link| on[a-z]+=' "$PAGE"
    grep -q '<html lang="en">' "$PAGE"
    [[ $(grep -c '<svg role="img" aria-labelledby=' "$PAGE") == 2 ]]
    [[ $(grep -o '<th[ >]' "$PAGE" | wc -l) == $(grep -o '<th scope="\(row\|col\)"' "$PAGE" | wc -l) ]]
    [[ $(grep -o '<table>' "$PAGE" | wc -l) == $(grep -o '<caption>' "$PAGE" | wc -l) ]]
}

@test "diagnose: hostile names are text" {
    mkdir t
    evil='<script>alert(1)</script>&"x'"'"
    export EVIL=$evil
    for f in "$F"/out/*.csv; do
        mlr --csv put -S 'if (is_present($lang) && $lang == "tha") { $lang = ENV["EVIL"] }' "$f" >"t/${f##*/}"
    done
    mlr -I --csv put -S 'if ($name =~ "^(model|text|command|directory)$") { $value .= ENV["EVIL"] }' t/history.csv
    page_of t >p.html
    well_formed <p.html
    run ! grep -q '<script' p.html
    grep -q '&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;x&#39;' p.html
}

@test "diagnose: PREDICT=1 runs nothing quantised, ranks, and takes a scale from a measured run" {
    diagnose p PREDICT=1 PPL=false >said 2>warnings
    grep -q 'Predicted order only' said
    [[ $(value p/levels.csv true level | sort -u) == ranked ]]
    well_formed <p/page.html
    grep -q 'No model was measured to give it a scale' p/page.html
    diagnose q PREDICT=1 PPL=false CALIBRATION="$F/out/prediction.csv" >said 2>warnings
    # on the model and width of the calibration itself: sums agree, each interval holds what was measured
    a=$(mlr --icsv --onidx stats1 -a sum -f estimate q/levels.csv)
    b=$(mlr --icsv --onidx stats1 -a sum -f measured "$F/out/prediction.csv")
    x=$(mlr --icsv --onidx stats1 -a sum -f index q/levels.csv)
    y=$(mlr --icsv --onidx stats1 -a sum -f index "$F/out/prediction.csv")
    close "$a" "$(awk "BEGIN { printf \"%.17g\", $b * $x / $y }")" 1e-12
    well_formed <q/page.html
    # it states that run's errors, as that run's page does
    grep -o 'Its scale taken from the other languages.*(n = 3)' q/page.html >got
    grep -o 'Its scale taken from the other languages.*(n = 3)' "$PAGE" | cmp - got
    most=$(value "$F/out/prediction.csv" true error | tr -d - | sort -g | tail -1)
    grep -q " $(printf %.3f "$most") at most" got
    grep -q '^<pre>make diagnose MODEL=.* MENU=&quot;3 4 5&quot; .* SEED=1 PREDICT=1 CALIBRATION=.*prediction.csv</pre>$' q/page.html
    grep -q 'is predicted to be hurt\|are predicted to be hurt\|predicted to be hurt' q/page.html
}

@test "diagnose: the same bytes again and with other threads; wrong use is said" {
    diagnose again MENU="3 4 8" BUDGET=5.8 THREADS=1 >/dev/null 2>&1
    cmp again/sens.csv "$F/out/sens.csv"
    sed "s|$PWD/again|$F/out|g" again/page.html | cmp - "$PAGE"
    run -2 make -s -C "$ROOT" -f pipelines/diagnose.mk OUT="$PWD/o"
    [[ $output == *"MODEL is not set"* ]]
    run -2 diagnose n MENU="3 8"
    [[ $output == *"MENU has to have the 4 of BITS"* ]]
    run -2 diagnose n STEMS='a&b'
    [[ $output == *"letters, digits"* ]]
    mkdir one && echo 'One line.' >one/eng.txt
    run -2 diagnose n TEXT="$PWD/one"
    [[ $output == *"eng.txt: needs at least two lines"* ]]
    # before anything long: what no step could use, and a budget that no recipe meets
    for bad in LIMIT=abc LIMIT=0,26 LIMIT= LIMIT=-1 TIMES=0 BUDGET=x DRAWS=-1 RESAMPLES=1 SEED=a DAMAGE=nll PART=head "MENU=3 9 4" PROTECT=swe \
        "STEMS=eng swe" MODEL=nowhere CALIBRATION=nowhere; do
        run -2 diagnose bad PPL=false "$bad"
        [[ $output == *" *** "*"${bad##*[= ]}"* && ! -e bad ]] || { echo "$bad: $output"; false; }
    done
    run -2 diagnose dear BUDGET=1 PPL=false
    [[ $output == *"cannot be met"* && ! -e dear/sens.csv ]]
}

@test "diagnose: Chromium draws it, on a phone and on a desk" {
    [[ ${SLOW:-} ]] || skip "under make check-all"
    command -v chromium >/dev/null || skip "no chromium"
    for width in 500 1100; do
        chromium --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/c" --window-size=$width,1200 --enable-logging=stderr \
            --screenshot="$PWD/$width.png" "file://$PAGE" 2>log
        [[ $(head -c 4 $width.png | tail -c 3) == PNG && $(wc -c <$width.png) -gt 20000 ]]
        run ! grep -q CONSOLE log
    done
}
