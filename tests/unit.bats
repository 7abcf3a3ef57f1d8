# The common code itself, by the small programs in tests/unit: each says what failed and ends with 1.
load helper

setup() {
    helper_setup
}

@test "base: UTF-8 as ICU has it, numbers, random numbers, threads, memory" {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/base
}

@test "tensor: every 16-bit float, rounding at every tie, saturation, any alignment" {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/tensor
}

@test "resample: drawing, sorting, null distributions and every statistic against slow versions of them" {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/resample
}

@test "moments: kernels agree to the last bit, and with long doubles at any offset" {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/moments
}

@test "tails: p of t and normal, to the smallest doubles" {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/tails
}

@test "tokenizer: 200 random pipelines as the reference library has them, patterns by hand as PCRE2 has them" {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/tokenizer "$DATA/tokenizers/pipelines.jsonl.gz"
}

@test "quant: the clip table to 1e-6, every grid, tie and zero, the search against trying all" {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/quant "$BATS_TEST_DIRNAME/../pipelines/data/aciq-clipping.csv"
}

@test "gemm: products as sums of doubles, the same bytes in any company and on any threads" {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/gemm
}

@test "gemm: the user's choice of OpenBLAS's kernels is obeyed, and rows come out alike with others" {
    [[ $(uname -m) == x86_64 ]] || skip "kernels of x86-64"
    gemm="${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/gemm
    run -0 env OPENBLAS_CORETYPE=PRESCOTT "$gemm" describe
    [[ $output == "f32 OpenBLAS Prescott" ]]
    run -0 "$gemm" describe
    [[ $output == "f32 AVX2" || $output == "f32 OpenBLAS "* && $output != *Prescott ]] || ! grep -q avx2 /proc/cpuinfo
    OPENBLAS_CORETYPE=PRESCOTT "$gemm"
}

@test "kernels: functions over the whole range of floats, norms, softmax, log-sum-exp, rotation; clones to the last bit" {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/kernels
}

@test "train: AdamW against its formula, learning rates, KURE against differences, which sequences are drawn" {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/train
}

@test "gptq: every grid and cell as the authors' steps have it in double, with and without order; a model's layer; bad moments" {
    cat "$BATS_TEST_DIRNAME"/../pipelines/data/udhr/eval/{eng,hin}.txt >both.txt
    actdump -m "$(golden bloom-a)" -t "$DATA/golden" --reduce=gram --dtype=F64 --layers=1 --site attn_in,attn_mix,mlp_in,mlp_act \
        both.txt >h.t
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/gptq "$(golden bloom-a)/model.safetensors" h.t
}

@test "alloc: bits for each part against trying all, bounds, and the same answer again" {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/alloc 300
}
