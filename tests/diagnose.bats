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
# diagnose DIR ARGUMENT...: on gpt2-a, or MODEL, which is worse than guessing, so that damage is KL
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
        mlr --csv put -q -s plan=bits=$2,per=channel,clip=minmax -s budget="$3" -s gptq= -f "$HOW/sizes.mlr" s/sens.csv s/expected-worst.csv s/recipe-worst.csv |
            mlr --icsv --onidx filter '$arm == "worst"' then cut -o -f bytes,against
    }
    [[ $(held 80 4 "") == "80 plan" && $(held 79 4 3.9) == "80 bits-3" && $(held 120 3 6) == "80 bits-5" && $(held 50 4 2.5) == "80 plan" ]]
    # GPTQ, calibrated on odd lines
    for l in eng fin tha; do awk 'NR % 2' "$F/text/$l.txt" >odd-$l.txt; done
    mkdir odd && for l in eng fin tha; do mv odd-$l.txt odd/$l.txt; done
    modelcat --compress=0 "$ROOT/tests/data/golden/gpt2-a" >m.t
    wquant --method gptq --mix balanced --calibrate odd/eng.txt,odd/fin.txt,odd/tha.txt -t "$ROOT/tests/data/golden/tokenizer.json" -q -o g.t m.t
    ppl -m g.t --against "$ROOT/tests/data/golden/gpt2-a" -t "$ROOT/tests/data/golden/tokenizer.json" {eng,fin,tha}.txt 2>/dev/null >want.csv
    worst=$(value want.csv true kl | sort -g | tail -1)
    close "$(value "$F/out/judged.csv" '$arm == "gptq"' worst)" "$worst" 1e-12
    [[ $(value "$F/out/judged.csv" '$arm == "gptq"' bytes) == $(value "$F/out/judged.csv" '$arm == "plan"' bytes) ]]
    # the left-out prediction of one language, by hand
    mlr --icsv --onidx put -q 'if ($lang == "tha") { @x = $index; @p = $predicted } else { @s += $measured; @i += $index }
        end { print (@x * @s / @i) . " " . @p }' "$F/out/prediction.csv" >pair
    read -r want got <pair
    close "$got" "$want" 1e-12
}

@test "diagnose: of the recipe and GPTQ the better is named, if it is shown to be; of equals the smaller, then the simpler" {
    mkdir t && cp "$F"/out/*.csv t/
    said() { # RECIPE_LOW GPTQ_LOW GPTQ_LESS_RECIPE_LOW HIGH [RECIPE_BYTES]
        { head -1 "$F/out/judged.csv"
          echo "plan,100,plan,3,0.1,0.1,0.1,tha,0.4,0.3,0.5,0,0,0,0,0,0"
          echo "worst,${5:-100},plan,3,0.1,0.1,0.1,tha,0.3,0.2,0.4,0.1,$1,0.2,0,0,0"
          echo "gptq,100,plan,3,0.1,0.1,0.1,tha,0.3,0.2,0.4,0.1,$2,0.2,0,$3,$4"; } >t/judged.csv
        awk -v dir=t -v names="$ROOT/pipelines/corpus/languages.csv" -f "$HOW/table.awk" -f "$HOW/svg.awk" -f "$HOW/verdict.awk" -f "$HOW/words.awk" |
            sed -n 's/^Verdict: What to do: \(.*\)[.] 8 bits.*/\1/p'
    }
    same="rather than the plan, if the size must stay"
    [[ $(said 0.05 0.05 0.01 0.03) == "take GPTQ $same; the recipe helps too, less" ]]
    [[ $(said 0.05 0.05 -0.01 0.03) == "take the recipe $same; GPTQ helps too, but is not shown to be better than the recipe, which is simpler" ]]
    [[ $(said 0.05 0.05 -0.01 0.03 130) == "take GPTQ $same; the recipe helps too, but is larger and not shown to be better" ]]
    [[ $(said 0.05 0.05 -0.03 -0.01 130) == "take the recipe rather than the plan, if there is room for 30 % more bytes than the plan’s; GPTQ helps too, less, and is smaller" ]]
    [[ $(said -0.05 0.05 -0.03 0.01) == "take GPTQ $same" ]]
    [[ $(said 0.05 -0.05 0.01 0.03) == "take the recipe $same" ]]
    [[ $(said -0.05 -0.05 0.01 0.03) == "leave the recipe; it is not shown to be better than the plan" ]]
    sed -i 's/^part,.*/&/; s/^\([^,]*,[^,]*,[^,]*,\)[348],/\14,/' t/recipe-worst.csv # the plan's width for all: no recipe
    [[ $(value t/recipe-worst.csv true bits | sort -u) == 4 ]]
    [[ $(said 0.05 0.05 -0.01 0.03) == "take GPTQ $same" ]]
    [[ $(said 0.05 -0.05 -0.01 0.03) == "nothing of that size is proved better than the plan" ]]
}

@test "diagnose: parts' damage by language is sens's; intervals of the part to blame; parts that do not add up are named" {
    sens -q -m "$ROOT/tests/data/golden/gpt2-a" -t "$ROOT/tests/data/golden/tokenizer.json" --quant bits=4,per=channel,clip=minmax "$F"/out/choose/*.txt 2>/dev/null >want.csv
    mlr --icsv --onidx --ofs ' ' filter '$quant =~ "^bits=4,"' then cut -o -f part,lang,kl,relative_output_error,additivity_kl,tokens then fill-empty -v 0 "$F/out/sens.csv" >got
    mlr --icsv --onidx --ofs ' ' cut -o -f part,lang,kl,relative_output_error,additivity_kl,tokens then fill-empty -v 0 want.csv | paste -d ' ' got - |
        awk 'function near(a, b) { return a - b < 1e-12 * (a + 1) && b - a < 1e-12 * (a + 1) }
            $1 != $7 || $2 != $8 || !near($3, $9) || !near($4, $10) || !near($5, $11) || $6 != $12 { print; bad = 1 } END { exit bad || NR != 12 }'
    # of a model that is better than guessing: nats a token, bits a byte, and a sum of parts, by hand
    { echo quant,part,lang,tokens,bytes,ref_nll,nll,delta_nll,delta_bits_per_byte,kl,output_error,relative_output_error
      for part in 0 1 all; do echo "q,$part,eng,1,2,3,4,1,1,0.5,2,0.5"; echo "q,$part,eng,3,10,1,2,1,1,0.5,4,0.25"; done; } >lines.csv
    mlr --icsv --onidx put -q -f "$HOW/by-lang.mlr" then filter '$part == "all"' then cut -o -f tokens,delta_nll,delta_bits_per_byte,relative_output_error,additivity lines.csv >got
    [[ $(awk '{ printf "%d %.6g %.6g %.6g %.6g", $1, $2, $3, $4, $5 }' got) == "4 1 0.480898 0.269231 0.5" ]]
    close "$(value "$F/out/blame.csv" '$part == 1 && $lang == "tha"' estimate)" "$(value want.csv '$part == 1 && $lang == "tha"' kl)" 1e-12
    [[ $(mlr --icsv --onidx stats1 -a sum -f first "$F/out/blame-parts.csv") == 200 ]]
    grep -q 'Most: layer 0 to Thai, 0.196 (95 % interval 0.1[0-9]* to 0.2[0-9]*). Over all languages’ text layer 0 costs most, .* in 100 % of the draws' "$PAGE"
    run ! grep -q 'Outside 0.8 to 1.25' "$PAGE"
    mkdir t && cp "$F"/out/*.csv t/
    mlr -I --csv put 'if ($part == "all" && $lang == "fin") { $additivity_kl = 1.3 } elif ($part == "all" && $lang == "eng") { $additivity_kl = -9 }' t/sens.csv
    mlr -I --csv put 'if ($lang == "eng") { $low = -0.001 }' t/levels.csv # its damage may be 0: of that a ratio says nothing
    page_of t >p.html
    grep -q 'to 1.30 times the sum of the parts, by language (1 left out, whose damage may be 0).*Outside 0.8 to 1.25 they do not: Finnish\.' p.html
}

@test "diagnose: a line that is there twice is on one side, in all languages that are parallel" {
    mkdir in choose judge
    printf '%s\n' a b c d e f >in/x.txt
    printf '%s\n' A B 'C' '  A ' '' '' >in/y.txt # line 4 is line 1 again, lines 5 and 6 are nothing
    split_by() { awk -v dir=. -v parallel="$1" -f "$HOW/split.awk" in/x.txt in/y.txt && paste -sd ' ' "$2"; }
    [[ $(split_by yes choose/x.txt) == "a c d e" && $(paste -sd ' ' judge/x.txt) == "b f" && $(wc -l <judge/y.txt) == 2 ]]
    [[ $(value split.csv '$lang == "y" && $line == 4' side,repeated) == choose,1 && $(value split.csv '$lang == "x" && $line == 4' side,repeated) == choose,0 ]]
    [[ $(split_by "" choose/x.txt) == "a c e" && $(paste -sd ' ' judge/x.txt) == "b d f" && $(sed 1q judge/y.txt) == B && $(wc -l <judge/y.txt) == 2 ]]
    # a chain: 2 is 5, 5 of the other language is 4
    printf '%s\n' a b c d b f >in/x.txt
    printf '%s\n' A B C D D F >in/y.txt
    [[ $(split_by yes choose/x.txt) == "a c" && $(paste -sd ' ' judge/x.txt) == "b d b f" ]]
    # without lines that repeat: odd and even
    for l in eng tha; do awk 'NR % 2' "$F/text/$l.txt" | cmp - "$F/out/choose/$l.txt"; done
    for l in eng fin tha; do sed 5q "$F/text/$l.txt" | cat - <(sed 1q "$F/text/$l.txt") >in/$l.txt; done
    diagnose twice TEXT="$PWD/in" STEMS="eng fin tha" GPTQ= DRAWS=0 >/dev/null 2>&1
    grep -q '12 lines to choose by, 6 to judge by; 3 lines repeat others and are on the side of the first of them' twice/page.html
    [[ $(value twice/arms.csv '$arm == "plan"' n | sort -u) == 2 && $(value twice/arms.csv '$arm == "worst"' n | sort -u) == 2 ]]
    grep -q 'GPTQ and AWQ would give other damage' twice/page.html
    printf '%s\n' same same same | tee in/eng.txt in/fin.txt >in/tha.txt
    run -2 diagnose all-the-same TEXT="$PWD/in" STEMS="eng fin tha"
    [[ $output == *"eng.txt: needs at least two lines that differ"* ]]
}

@test "diagnose: what the page says to paste makes directories that load, and that are what was measured" {
    ROOT_MODEL=$ROOT/tests/data/golden/bloom-a
    mkdir model && cp "$ROOT_MODEL"/{config.json,*.safetensors} model/ && cp "$ROOT/tests/data/golden/tokenizer.json" model/
    echo '{"weight_map":{}}' >model/model.safetensors.index.json # of a model in several files; the new one is in one
    diagnose out MODEL="$PWD/model" TOKENIZER="$PWD/model" MENU="4 8" BUDGET=6 DRAWS=0 >/dev/null 2>&1
    sed -n '/Handing it over/,/<h2>Pred/p' out/page.html | tr '\n' '\r' | grep -o '<pre>[^<]*</pre>' | tr '\r' '\n' | sed 's/<[^>]*>//g; s/&gt;/>/g; /^llama-quantize/d' >paste.sh
    mkdir new && (cd new && bash -euo pipefail ../paste.sh 2>../said)
    for arm in recipe:worst gptq:gptq; do
        d=new/${arm%:*}
        [[ $(find $d -type f -printf '%f\n' | sort | paste -sd ' ') == "config.json model.safetensors tokenizer.json" ]]
        tensorcat --meta $d/model.safetensors | grep -q ',format,pt$'
        ppl -m $d --against "$ROOT_MODEL" out/judge/*.txt 2>/dev/null >got.csv
        for l in eng fin tha; do
            close "$(value got.csv "\$lang == \"$l\"" kl)" "$(value out/arms.csv "\$arm == \"${arm#*:}\" && \$lang == \"$l\"" estimate)" 1e-12
        done
        tensorcat --list $d-packed/model.safetensors | grep -q 'weight_packed,I32'
        [[ -f new/${arm%:*}-packed/tokenizer.json ]]
        grep -q '"quant_method": "compressed-tensors"' $d-packed/config.json
    done
    grep -q 'attn_qkv.*=q4_K' new/types.txt
    # what cannot be packed is not said to be
    grep -q 'It cannot be packed for them: GPT-2 stores' "$PAGE"
    mkdir t && cp "$F"/out/*.csv t/ && sed -i 's/^model_type,.*/model_type,"xglm"/' t/history.csv
    page_of t >p.html
    grep -q 'only widths of 4 and 8 bits can be, and it has 3\. One that can' p.html
    run ! grep -q 'llama-cpp\|recipe-packed' p.html
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

@test "diagnose: Chromium draws it, on a phone and on a desk, and nothing is wider than the screen" {
    [[ ${SLOW:-} ]] || skip "under make check-all"
    command -v chromium >/dev/null || skip "no chromium: make deps-check-all"
    browse() { chromium --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/c" --enable-logging=stderr "$@" 2>log; run ! grep -q CONSOLE log; }
    # Its window cannot be narrower than 500, a frame can
    for width in 360 1100; do
        cat >frame.html <<END
<iframe id="f" src="file://$PAGE" style="width:${width}px;height:900px;border:0"></iframe><pre id="said"></pre>
<script>onload = function () {
  var d = document.getElementById('f').contentDocument, wide = [];
  d.querySelectorAll('body *').forEach(function (e) {
    if (!e.closest('.wide, svg, pre') && e.getBoundingClientRect().right > $width + 0.5) wide.push(e.tagName);
  });
  document.getElementById('said').textContent = [d.documentElement.clientWidth, d.documentElement.scrollWidth, wide.length,
    d.querySelectorAll('.wide').length > 5, d.querySelectorAll('.wide:not([tabindex]), details').length].join(' ');
};</script>
END
        browse --allow-file-access-from-files --hide-scrollbars --dump-dom "file://$PWD/frame.html" >dom.html
        [[ $(sed -n 's/.*<pre id="said">\(.*\)<\/pre>.*/\1/p' dom.html) == "$width $width 0 true 0" ]] || { grep said dom.html; false; }
    done
    browse --window-size=1100,1200 --screenshot="$PWD/desk.png" "file://$PAGE"
    [[ $(head -c 4 desk.png | tail -c 3) == PNG && $(wc -c <desk.png) -gt 20000 ]]
    browse --no-pdf-header-footer --print-to-pdf="$PWD/page.pdf" "file://$PAGE"
    [[ $(head -c 4 page.pdf) == %PDF && $(grep -ac '/Type */Page\b' page.pdf) -ge 2 ]]
}
