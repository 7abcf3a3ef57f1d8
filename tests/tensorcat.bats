# tensorcat and the streams it reads and writes.
setup() {
    load helper
    helper_setup
}

@test "tensorcat: what tgen wrote comes back, compressed, bare and plain" {
    tgen -n w -s 2x3 1 -2 0.5 nan inf 1e-3 >s.t
    gzip -t s.t
    tensorcat -z 0 s.t >bare.t
    tensorcat -o plain.safetensors s.t
    for f in s.t bare.t plain.safetensors; do
        tensorcat --check $f
        tensorcat --to=text $f >got
        diff got - <<<$'1 -2 0.5\nNaN Inf 0.001'
        tensorcat --to=text <$f | cmp - got
        cat $f | tensorcat --to=text | cmp - got
    done
}

@test "tensorcat: a stream cut at any byte is an error" {
    tgen 1 2 3 >a.t
    tgen -n y -d BF16 4 5 >b.t
    tensorcat a.t b.t >two.t
    tensorcat -z 0 two.t >bare.t
    tensorcat -o plain.safetensors two.t
    for f in two.t bare.t plain.safetensors; do
        tensorcat --check $f
        for ((n = 0; n < $(stat -c %s $f); n++)); do
            head -c $n $f >cut
            run -1 tensorcat --check cut
        done
    done
}

@test "tensorcat: a tensor without elements may come first" {
    printf '{"a":{"dtype":"I32","shape":[0],"data_offsets":[0,0]}}' >header
    { printf '\x36\0\0\0\0\0\0\0'; cat header; } >empty.safetensors
    [[ $(wc -c <header) == 54 ]]
    tensorcat empty.safetensors | tensorcat --list | grep -q ',a,I32,0,0,0$'
    tensorcat empty.safetensors | tensorcat --to=npy | tail -c +129 | cmp - /dev/null
}
