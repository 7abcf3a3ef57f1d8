# bootstrap: exact tests against counts, intervals against published and R's values, then the contract.
load helper

setup() {
    helper_setup
    langs=$BATS_TEST_DIRNAME/../pipelines/data
    join -t, <(cut -d, -f1,3,5,7 "$langs/bloom560m-lang.csv") <(cut -d, -f1,2 "$langs/lang-degradation.csv") |
        join -t, - <(cut -d, -f1,4 "$langs/lang-covariates.csv") > langs.csv
}

# Rows of expected.csv, recomputed column, are named in each test.
@test "bootstrap: exact permutation counts at n = 14, exp008.*.perm.* and strat.*" {
    [[ $(head -1 langs.csv) == lang,weighted_kurtosis,outlier_frac,combined_frac,degradation,latin ]]
    bootstrap --permute --stat pearson --x outlier_frac,combined_frac,weighted_kurtosis --y degradation langs.csv > two.csv
    [[ $(cut -d, -f9-11 two.csv) == $'p_method,count,total\nexact,9410102,87178291200\nexact,17631096,87178291200\nexact,90584512,87178291200' ]]
    bootstrap --permute -a less --stat pearson --x outlier_frac,combined_frac --y degradation langs.csv > less.csv
    [[ $(cut -d, -f10 less.csv) == $'count\n7042526\n11349434' ]]
    close "$(field p < less.csv)" 8.07830241114e-05 1e-11
    [[ $(field null_mean < less.csv) == 0 ]]
    close "$(field null_sd < less.csv)" 0.277350098113 1e-11
    bootstrap --permute -a less --stat pearson --x outlier_frac,combined_frac,weighted_kurtosis --y degradation --strata latin \
        langs.csv > strata.csv
    [[ $(cut -d, -f10,11 strata.csv) == $'count,total\n218080,29030400\n325042,29030400\n456220,29030400' ]]
    close "$(field null_mean < strata.csv)" -0.572641755969 1e-11
}
