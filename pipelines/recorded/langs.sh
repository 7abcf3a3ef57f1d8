#!/usr/bin/env bash
# langs.sh DATA - one row a language: every recorded column of the published study, and what its theory makes of it.
# Effective kurtosis is taken as EXP-009b has it, o * outlier + (1 - o) * rest, with o the outlier share of the language:
#   outlier  mean kurtosis of BLOOM's layers 5, 21, 22
#   rest     mean of the 17 layers outside 4-7 and 21-23 (keff17, EXP-009b), or the 16 outside 4-7 and 20-23
#            (keff16, theory_validation)
set -euo pipefail
data=$1
here=$(dirname "$0")

mean_kurtosis() {
    mlr --icsv --onidx filter "$1" then stats1 -a mean -f kurtosis "$data/bloom560m-layers.csv"
}
outlier=$(mean_kurtosis '$layer == 5 || $layer == 21 || $layer == 22')
rest17=$(mean_kurtosis '$layer < 4 || ($layer > 7 && $layer < 21)')
rest16=$(mean_kurtosis '$layer < 4 || ($layer > 7 && $layer < 20)')

mlr --csv join -j lang -f "$data/bloom560m-lang.csv" \
    then join -j lang -f "$data/lang-degradation.csv" \
    then join -j lang -f <(mlr --csv rename weighted_kurtosis,xglm_weighted_kurtosis then cut -f lang,xglm_weighted_kurtosis \
        "$data/xglm564m-lang.csv") \
    then join -j lang -f <(mlr --csv cut -f lang,effective_kurtosis,optimal_alpha_sigma,predicted_degradation \
        "$data/bloom560m-lang-predictions.csv") \
    then join -j lang -f <(mlr --csv rename kurtosis,mock_kurtosis,outlier_ratio,mock_outlier_ratio \
        then cut -f lang,mock_kurtosis,mock_outlier_ratio "$data/phase0-mock.csv") \
    then join -j lang -f <(mlr --csv filter '$lang != "zho_trad"' then put '$lang = sub($lang, "_simpl", "")' \
        then put '$bloom2b5_bits_per_byte = log($byte_perplexity) / log(2)' then cut -f lang,bloom2b5_bits_per_byte \
        "$data/bloom2b5-flores101-byteppl.csv") \
    then put -q -f "$here/theory.mlr" -s outlier="$outlier" -s rest17="$rest17" -s rest16="$rest16" -e '
        $log10_roots_bytes = log10(1 + $roots_bytes);
        $keff17 = $outlier_frac * @outlier + (1 - $outlier_frac) * @rest17;
        $keff16 = $outlier_frac * @outlier + (1 - $outlier_frac) * @rest16;
        $pred_rebuilt = 10 * published_error(clip_at($effective_kurtosis));
        $pred_fixed = gauss_error(clip_at($effective_kurtosis));
        $keff17_difference = abs($keff17 - $effective_kurtosis);
        $pred_difference = abs($pred_rebuilt - $predicted_degradation);
        if ($lang == "eng") { @english = $bloom_flores_tokens }
        @record[NR] = $*;
        @sum += $keff16;
        end {
            mean = @sum / NR;
            for (i, r in @record) {
                r["bloom_premium"] = r["bloom_flores_tokens"] / @english; # the recorded one is rounded to 6 decimals
                r["keff16_deviation2"] = (r["keff16"] - mean) ** 2;
                r["gain_published"] = published_error(clip_at(mean)) - published_error(clip_at(r["keff16"]));
                r["gain_fixed"] = gauss_error(clip_at(mean)) - gauss_error(clip_at(r["keff16"]));
                emit r
            }
        }' "$data/lang-covariates.csv"
